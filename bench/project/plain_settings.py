"""The same project without our middleware."""

from bench.project.settings import *  # noqa: F403

MIDDLEWARE = []
