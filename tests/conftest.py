"""Django, set up once for the tests that run inside this process."""

import os
import signal

import django

# A shell ignores Ctrl-C for what it starts in the background, and children inherit that: the
# servers that the tests start and interrupt would not hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django.setup()
