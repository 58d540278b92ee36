#!/usr/bin/env python3
"""The frontend server: this folder's files over HTTP, with nothing to install.

It stands for any frontend server, such as Vite's or Next's. It knows nothing of Django.
"""

import argparse
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """Files by GET and HEAD, on connections that stay open, with one log line a request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # TCP_NODELAY: heads and bodies are separate writes.

    def end_headers(self) -> None:
        """Let the browser ask again each time, so that an edited file is seen at once."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write the request line and the status."""
        status = getattr(code, "value", code)
        print(f'"{self.requestline}" {status}', flush=True)

    def log_error(self, format: str, *args: Any) -> None:
        """Stay silent: the request's own line tells the status already."""


class Server(ThreadingHTTPServer):
    """One thread per connection."""

    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, but not a browser that left in the middle of an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--bind", default="127.0.0.1", help="0.0.0.0 for a container to reach it")
    options = parser.parse_args()
    handler = partial(Handler, directory=str(Path(__file__).resolve().parent))
    with Server((options.bind, options.port), handler) as server:
        print(f"Frontend at http://{options.bind}:{options.port}/", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
