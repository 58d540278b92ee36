"""The test project with views that tell of the process they run in."""

from tests.project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.process.urls"
