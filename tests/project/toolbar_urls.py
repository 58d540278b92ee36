"""The views of the test project, with the debug toolbar's."""

from django.urls import include, path

from tests.project.urls import urlpatterns as own

urlpatterns = [*own, path("__debug__/", include("debug_toolbar.urls"))]
