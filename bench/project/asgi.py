"""The forwarder in front of Django's ASGI handler."""

from samesite_proxy.asgi import get_asgi_application

application = get_asgi_application()
