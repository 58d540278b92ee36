"""The test project behind other servers that are made of Python's http.server.

wsgiref's own, or Django's where it is given a certificate and its key, as packages for https in
development have it.
"""

from __future__ import annotations

import ssl
import sys
from wsgiref import simple_server

from django.core.servers import basehttp

from tests.project.wsgi import application


def main(port: str, *certificate: str) -> None:
    server_class, handler = simple_server.WSGIServer, simple_server.WSGIRequestHandler
    if certificate:
        server_class, handler = basehttp.WSGIServer, basehttp.WSGIRequestHandler
    server = server_class(("127.0.0.1", int(port)), handler)
    server.set_app(application)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.base_environ["HTTPS"] = "on"  # Which wsgiref makes the scheme of.
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
