"""The same project with the upstream's files as a built frontend."""

import os

from bench.project.settings import *  # noqa: F403
from bench.project.settings import SAMESITE_PROXY

SAMESITE_PROXY = {**SAMESITE_PROXY, "FRONTEND": os.environ["BENCH_FILES"]}
