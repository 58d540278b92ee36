"""Django, set up once for the tests that run inside this process."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django.setup()
