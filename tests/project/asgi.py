"""What ASGI servers load: ours in front of Django's handler."""

import os

from samesite_proxy.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
application = get_asgi_application()

if patience := os.environ.get("FRONTEND_PATIENCE"):
    from samesite_proxy.aio import websocket_relay

    websocket_relay.FRONTEND_PATIENCE = float(patience)
