"""The URLconf of another host."""

from django.urls import path

from tests.project.urls import hello

urlpatterns = [path("only-here/", hello)]
