"""The URLconf of one site of the table of path-matching cases."""

import os

from tests.unit.path_cases import SITES

urlpatterns = next(site for site in SITES if site.name == os.environ["TEST_SITE"]).urlpatterns
