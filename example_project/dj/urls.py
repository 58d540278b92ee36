"""The addresses of the account pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

app_name = "dj"
urlpatterns = [
    path("login/", LoginView.as_view(template_name="dj/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
