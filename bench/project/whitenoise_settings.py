"""The same project with WhiteNoise's middleware in place of ours."""

import os

from bench.project.plain_settings import *  # noqa: F403

MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
WHITENOISE_ROOT = os.environ["BENCH_FILES"]
STATIC_URL = "/static/"
