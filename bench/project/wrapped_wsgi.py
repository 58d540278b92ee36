"""The forwarder in front of Django's WSGI handler."""

from samesite_proxy.wsgi import get_wsgi_application

application = get_wsgi_application()
