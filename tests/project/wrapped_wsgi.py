"""What WSGI servers load, with the forwarder in front of Django's handler."""

import os

from samesite_proxy.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
application = get_wsgi_application()
