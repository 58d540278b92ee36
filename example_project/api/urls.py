"""The API's addresses."""

from django.urls import path

from api import views

urlpatterns = [
    path("me/", views.me, name="me"),
    path("posts/", views.posts, name="posts"),
]
