"""Django's command line with OpenTelemetry, as its documents have it."""

import os
import sys

from django.core.management import execute_from_command_line
from opentelemetry.instrumentation.django import DjangoInstrumentor

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
DjangoInstrumentor().instrument()
execute_from_command_line(sys.argv)
