"""An upstream that takes request bodies and throws them away: python -m bench.sink PORT."""

import socket
import socketserver
import sys

PIECE = 1 << 20
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
NO_LENGTH = b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def content_length(head: bytes) -> int | None:
    """Return the declared length of the body, 0 without one, None if it is chunked."""
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"transfer-encoding":
            return None
        if name.lower() == b"content-length":
            length = int(value)
    return length


class Handler(socketserver.BaseRequestHandler):
    """One kept-alive connection."""

    request: socket.socket

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scratch = bytearray(PIECE)
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                data = self.request.recv(65536)
                if not data:
                    return
                received += data
            head, _, body = received.partition(b"\r\n\r\n")
            length = content_length(head)
            if length is None:
                self.request.sendall(NO_LENGTH)
                return
            left = length - len(body)
            while left > 0:
                # With MSG_TRUNC the kernel drops the bytes of a TCP stream and copies nothing.
                size = self.request.recv_into(scratch, min(left, PIECE), socket.MSG_TRUNC)
                if not size:
                    return
                left -= size
            received = body[length:]
            self.request.sendall(ANSWER)
            if b"\r\nconnection: close\r\n" in head.lower() + b"\r\n":
                return


class Sink(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Sink(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
