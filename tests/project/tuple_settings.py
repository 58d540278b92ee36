"""The settings of the test project, with MIDDLEWARE as a tuple, which Django takes as well."""

from tests.project.settings import *  # noqa: F403
from tests.project.settings import MIDDLEWARE as NAMES

MIDDLEWARE = tuple(NAMES)
