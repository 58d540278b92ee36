"""As Wagtail's documents have it: its pages at the root."""

from django.urls import include, path

urlpatterns = [
    path("cms/", include("wagtail.admin.urls")),
    path("documents/", include("wagtail.documents.urls")),
    path("", include("wagtail.urls")),
]
