"""The same project without our middleware, with the runserver that sets TCP_NODELAY."""

from bench.project.plain_settings import *  # noqa: F403

INSTALLED_APPS = ["bench.project"]
