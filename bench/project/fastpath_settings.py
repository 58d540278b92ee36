"""The same project with our runserver."""

from bench.project.settings import *  # noqa: F403

INSTALLED_APPS = ["samesite_proxy"]
