"""The application: listing it in INSTALLED_APPS brings the system checks."""

import os

from django.apps import AppConfig
from django.core.checks import register
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from samesite_proxy.checks import check_deployment, check_project
from samesite_proxy.fastpath import handover


class SameSiteProxyConfig(AppConfig):
    name = "samesite_proxy"
    verbose_name = "SameSite proxy"

    def ready(self) -> None:
        register(check_project)
        register(check_deployment, deploy=True)


# Here, since the rest of a broken project may keep our runserver from being found.
if os.environ.get(DJANGO_AUTORELOAD_ENV) == "true":
    handover.end_with_listener()
