"""As Django's documents have it: flatpages at the end."""

from django.contrib.flatpages import views
from django.urls import re_path

urlpatterns = [re_path(r"^(?P<url>.*/)$", views.flatpage)]
