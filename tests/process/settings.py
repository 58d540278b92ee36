"""The test project with views that tell of the process they run in."""

import gc
import os

from tests.project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.process.urls"

if "TEST_WITHOUT_GC" in os.environ:
    gc.disable()
