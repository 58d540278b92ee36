"""The head of a request, as http.server reads one, without its detour.

http.server has the fields parsed by email, for messages of all times, which is a fifth of the work
for a small answer. The listener has read this head strictly before, and refused what is more than a
request line and lines of a name, a colon and a value.
"""

from __future__ import annotations

from django.core.servers.basehttp import WSGIRequestHandler

END = b"\r\n\r\n"

VERSIONS = ("HTTP/1.0", "HTTP/1.1")

# More is http.server's to refuse, which counts the blank line too.
MOST_FIELDS = 99


def length_of(data: bytes) -> int:
    """Of the head that `data` begins with, its blank line included."""
    return data.index(END) + len(END)


def _is_kept_alive(version: str, connection: str) -> bool:
    return connection == "keep-alive" if version == "HTTP/1.0" else connection != "close"


def read(handler: WSGIRequestHandler, head: bytes) -> bool:
    """Give `handler` all that its parse_request() would; False where that is to do it, since it
    refuses such a head, or has something to say before the answer.
    """
    line, *fields = head.removesuffix(END).decode("iso-8859-1").split("\r\n")
    words = line.split()  # At what is white space in Latin-1, too.
    is_plain = len(words) == 3 and words[2] in VERSIONS and len(fields) <= MOST_FIELDS
    if not is_plain or handler.protocol_version != "HTTP/1.1":
        return False
    headers = handler.MessageClass()
    for field in fields:
        name, _, value = field.partition(":")
        headers.set_raw(name, value.lstrip(" \t"))
    if "Expect" in headers:
        return False
    handler.requestline, handler.headers = line, headers
    handler.command, handler.path, handler.request_version = words
    if handler.path.startswith("//"):  # Where somebody redirects to it, a host would begin there.
        handler.path = f"/{handler.path.lstrip('/')}"
    connection = headers.get("Connection", "").lower()
    handler.close_connection = not _is_kept_alive(handler.request_version, connection)
    return True
