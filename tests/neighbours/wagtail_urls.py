"""The recipe of docs/routing.md: Wagtail's pages in a place of their own."""

from django.urls import include, path

urlpatterns = [
    path("cms/", include("wagtail.admin.urls")),
    path("documents/", include("wagtail.documents.urls")),
    path("pages/", include("wagtail.urls")),
]
