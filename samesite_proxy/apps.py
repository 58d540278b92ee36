"""The application: listing it in INSTALLED_APPS brings the system checks."""

from django.apps import AppConfig
from django.core.checks import register

from samesite_proxy.checks import check_deployment, check_project


class SameSiteProxyConfig(AppConfig):
    name = "samesite_proxy"
    verbose_name = "SameSite proxy"

    def ready(self) -> None:
        register(check_project)
        register(check_deployment, deploy=True)
