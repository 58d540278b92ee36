"""Django's paths. Everything that is not listed here belongs to the frontend."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("api.urls")),
    path("admin/", admin.site.urls),
    path("blog/", include("blog.urls")),
    path("dj/", include("dj.urls")),
    # Uploaded images, under /media/. Django serves them itself only while DEBUG is on.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
