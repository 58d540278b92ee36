"""Everything goes through django-revproxy."""

import os

from django.urls import re_path
from revproxy.views import ProxyView  # type: ignore[import-untyped]

upstream = os.environ["BENCH_UPSTREAM"]

urlpatterns = [re_path(r"^(?P<path>.*)$", ProxyView.as_view(upstream=upstream))]
