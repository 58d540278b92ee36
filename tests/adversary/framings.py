"""Requests by which one of two readers sees a second request: every published class.

Each holds a second request, for HIDDEN, where a body, an extension, a trailer or a field's value
is by RFC 9112; so that nobody but a reader who is wrong sees it. Behind each comes AFTER.
"""

from __future__ import annotations

from dataclasses import dataclass

HIDDEN = "/hidden"
PIECE = f"GET {HIDDEN} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
LAST = b"0\r\n\r\n"
# As a server that reads on after an error would find it.
AFTER = b"GET /after HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Attack:
    name: str
    sent: bytes
    refused: int = 0  # the status of the fast path's refusal; 0: the request is one, and legal

    @property
    def method(self) -> str:
        return self.sent.split(None, 1)[0].decode("latin-1")


def head(*fields: bytes, method: bytes = b"POST", target: bytes = b"/own") -> bytes:
    line = method + b" " + target + b" HTTP/1.1"
    return b"\r\n".join([line, b"Host: localhost", *fields, b"", b""])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LENGTH = b"Content-Length: %d"
CHUNKED = b"Transfer-Encoding: chunked"

# How a field is written that some take for Transfer-Encoding: chunked, and some do not.
CODINGS = {
    "blank before the colon": b"Transfer-Encoding : chunked",
    "tab before the colon": b"Transfer-Encoding\t: chunked",
    "vertical tab before the colon": b"Transfer-Encoding\x0b: chunked",
    "nul before the colon": b"Transfer-Encoding\x00: chunked",
    "cr before the colon": b"Transfer-Encoding\r: chunked",
    "high byte before the colon": b"Transfer-Encoding\xa0: chunked",
    "no colon": b"Transfer-Encoding chunked",
    "blank before the name": b" Transfer-Encoding: chunked",
    "tab before the name": b"\tTransfer-Encoding: chunked",
    "cr before the name": b"\rTransfer-Encoding: chunked",
    "lf before the name": b"X: y\nTransfer-Encoding: chunked",
    "cr within a value": b"X: y\rTransfer-Encoding: chunked",
    "folded behind another": b"X: y\r\n Transfer-Encoding: chunked",
    "vertical tab before the value": b"Transfer-Encoding:\x0bchunked",
    "form feed before the value": b"Transfer-Encoding:\x0cchunked",
    "nul before the value": b"Transfer-Encoding: \x00chunked",
    "nul behind the value": b"Transfer-Encoding: chunked\x00",
    "cr behind the value": b"Transfer-Encoding: chunked\r",
    "lf behind the value": b"Transfer-Encoding: chunked\n",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "twice, then identity": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "twice, one of a cow": b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow",
    "twice, one of nothing": b"Transfer-Encoding: chunked\r\nTransfer-Encoding:",
}
UNKNOWN_CODINGS = {
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded with a tab": b"Transfer-Encoding:\r\n\tchunked",
    "nel before the value": b"Transfer-Encoding: \x85chunked",
    "no-break space": b"Transfer-Encoding: \xa0chunked",
    "twice, one of identity": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "xchunked": b"Transfer-Encoding: xchunked",
    "chunkedx": b"Transfer-Encoding: chunkedx",
    "chunk": b"Transfer-Encoding: chunk",
    "chunked in quotes": b'Transfer-Encoding: "chunked"',
    "chunked in apostrophes": b"Transfer-Encoding: 'chunked'",
    "chunked with a parameter": b"Transfer-Encoding: chunked;q=1",
    "chunked and identity": b"Transfer-Encoding: chunked, identity",
    "identity and chunked": b"Transfer-Encoding: identity, chunked",
    "identity": b"Transfer-Encoding: identity",
    "gzip and chunked": b"Transfer-Encoding: gzip, chunked",
    "chunked and gzip": b"Transfer-Encoding: chunked, gzip",
    "chunked twice in a list": b"Transfer-Encoding: chunked, chunked",
    "a comma and chunked": b"Transfer-Encoding: ,chunked",
    "chunked and a comma": b"Transfer-Encoding: chunked,",
    "a backslash": b"Transfer-Encoding: chu\\nked",
    "nothing": b"Transfer-Encoding:",
    "an encoded c": b"Transfer-Encoding: %63hunked",
}

BODY = LAST + PIECE  # nothing by its chunks, all of it by its length
OF_ITS_LENGTH = LENGTH % len(BODY)


def beside_length(name: str, coding: bytes, status: int) -> list[Attack]:
    """CL.TE, TE.CL and TE.0 by one spelling of the coding."""
    long_chunk = chunk(PIECE) + LAST
    short = LENGTH % (long_chunk.index(b"\r\n") + 2)
    return [
        Attack(f"CL.TE, {name}", head(OF_ITS_LENGTH, coding) + BODY, status),
        Attack(f"TE.CL, {name}", head(coding, short) + long_chunk, status),
        Attack(f"TE.0, {name}", head(coding) + long_chunk, status),
    ]


BOTH = [
    Attack("CL.TE", head(OF_ITS_LENGTH, CHUNKED) + BODY, 400),
    Attack("TE.CL", head(CHUNKED, LENGTH % 4) + chunk(PIECE) + LAST, 400),
    Attack("CL of 0 and TE", head(LENGTH % 0, CHUNKED) + chunk(PIECE) + LAST, 400),
    *(
        one
        for codings, status in ((CODINGS, 400), (UNKNOWN_CODINGS, 501))
        for name, coding in codings.items()
        for one in beside_length(name, coding, status)
    ),
]

LENGTHS = [
    Attack(f"length, {name}", head(b"Content-Length" + value) + PIECE, 400)
    for name, value in {
        "plus": b": +%d" % len(PIECE),
        "minus": b": -%d" % len(PIECE),
        "hex": b": 0x%x" % len(PIECE),
        "underscore": b": %d_%d" % divmod(len(PIECE), 10),
        "blank inside": b": %d %d" % divmod(len(PIECE), 10),
        "list of equals": b": %d, %d" % (len(PIECE), len(PIECE)),
        "list with nothing": b": 0, %d" % len(PIECE),
        "comma behind": b": %d," % len(PIECE),
        "twice": b": %d\r\nContent-Length: %d" % (len(PIECE), len(PIECE)),
        "twice and different": b": 0\r\nContent-Length: %d" % len(PIECE),
        "twice, one empty": b": %d\r\nContent-Length:" % len(PIECE),
        "empty": b":",
        "fraction": b": %d.0" % len(PIECE),
        "exponent": b": %de0" % len(PIECE),
        "quotes": b': "%d"' % len(PIECE),
        "arabic digits": b": \xd9\xa5",
        "superscript": b": \xb2",
        "overflow of 64 bits": b": %d" % (2**64 + len(PIECE)),
        "overflow of 32 bits and sign": b": -%d" % (2**32 - len(PIECE)),
        "nul": b": %d\x00" % len(PIECE),
        "vertical tab": b": \x0b%d" % len(PIECE),
        "folded": b":\r\n %d" % len(PIECE),
        "folded to more digits": b": %d\r\n %d" % divmod(len(PIECE), 10),
        "blank before the colon": b" : %d" % len(PIECE),
        "tab before the colon": b"\t: %d" % len(PIECE),
    }.items()
]

# A chunk of the second request behind a line that somebody reads as another size.
SIZE = b"%x" % len(PIECE)
CHUNK_LINES = [
    Attack(f"chunk, {name}", head(CHUNKED) + line + PIECE + b"\r\n" + LAST, 400)
    for name, line in {
        "0x": b"0x" + SIZE + b"\r\n",
        "plus": b"+" + SIZE + b"\r\n",
        "minus": b"-" + SIZE + b"\r\n",
        "underscore": SIZE[:1] + b"_" + SIZE[1:] + b"\r\n",
        "blank before": b" " + SIZE + b"\r\n",
        "blank behind": SIZE + b" \r\n",
        "tab behind": SIZE + b"\t\r\n",
        "h behind": SIZE + b"h\r\n",
        "comma": SIZE + b",\r\n",
        "nul behind": SIZE + b"\x00\r\n",
        "vertical tab behind": SIZE + b"\x0b\r\n",
        "overflow of 64 bits": b"1" + b"0" * (16 - len(SIZE)) + SIZE + b"\r\n",
        "overflow of 128 bits": b"1" + b"0" * (32 - len(SIZE)) + SIZE + b"\r\n",
        "no size": b"\r\n",
        "an extension alone": b";a\r\n",
        "bare lf": SIZE + b"\n",
        "bare cr": SIZE + b"\r",
        "two crs": SIZE + b"\r\r\n",
        "bare lf in an extension": SIZE + b";a\nb\r\n",
        "bare cr in an extension": SIZE + b";a\rb\r\n",
        "bare lf in quotes": SIZE + b';a="\n"\r\n',
        "bare cr in quotes": SIZE + b';a="\r"\r\n',
        "line end in quotes": SIZE + b';a="\r\n"\r\n',
        "nul in an extension": SIZE + b";a\x00\r\n",
        "extension of 5 KiB": SIZE + b";" + b"a" * 5120 + b"\r\n",
        "arabic digits": b"\xd9\xa5\r\n",
        "full-width digits": b"\xef\xbc\x95\r\n",
    }.items()
]
CHUNKS = [
    Attack(f"chunks, {name}", head(CHUNKED) + body, 400)
    for name, body in {
        "no line end behind the data": b"1\r\nx" + LAST + PIECE,
        "other bytes behind the data": b"1\r\nxXX" + LAST + PIECE,
        "lf behind the data": b"1\r\nx\n" + LAST + PIECE,
        "cr behind the data": b"1\r\nx\r" + LAST + PIECE,
        "a byte too many": b"1\r\nxx\r\n" + LAST + PIECE,
        "a line end too many": b"1\r\nx\r\n\r\n" + LAST + PIECE,
        "a last chunk of lf": b"0\n\n" + PIECE,
        "lf at the end": b"0\r\n\n" + PIECE,
        "cr at the end": b"0\r\n\r" + PIECE,
        "a request for a trailer": b"0\r\n" + PIECE,
        "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n" + PIECE,
        "a trailer with a bare lf": b"0\r\nX: y\n\n" + PIECE,
        "a trailer with a bare cr": b"0\r\nX: y\r\r" + PIECE,
        "a trailer with a blank before the colon": b"0\r\nX : y\r\n\r\n" + PIECE,
    }.items()
]

LINES = [
    Attack(f"lines, {name}", sent, status)
    for name, status, sent in [
        ("lf alone", 400, head(OF_ITS_LENGTH).replace(b"\r\n", b"\n") + BODY),
        ("lf behind the request line", 400, head(OF_ITS_LENGTH).replace(b"\r\n", b"\n", 1) + BODY),
        ("lf for the blank line", 400, head(OF_ITS_LENGTH)[:-2] + b"\n" + BODY),
        ("cr alone", 400, head(OF_ITS_LENGTH).replace(b"\r\n", b"\r") + BODY + b"\r\n\r\n"),
        ("a field with a second head", 400, head(b"X: y\n\n" + PIECE)),
        ("a field with a second head by cr", 400, head(b"X: y\r\r" + PIECE.replace(b"\n", b""))),
        ("a nul in a name", 400, head(b"X\x00: y", OF_ITS_LENGTH) + BODY),
        ("a nul in a value", 400, head(b"X: \x00", OF_ITS_LENGTH) + BODY),
        ("no colon", 400, head(b"GET /hidden HTTP/1.1") + PIECE),
        ("two Hosts", 400, head(b"Host: evil.example", OF_ITS_LENGTH) + BODY),
        ("HTTP/1.0 with chunks", 400, head(CHUNKED).replace(b"1.1", b"1.0") + chunk(PIECE) + LAST),
        ("HTTP/0.9", 400, b"GET /own\r\n" + PIECE),
        ("HTTP/2", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + PIECE),
        ("a line end in the target", 400, head(target=b"/own\nX: y HTTP/1.1") + PIECE),
        ("a version in the target", 400, head(target=b"/own HTTP/1.1 x") + PIECE),
        ("a blank before the line", 400, b" " + head(OF_ITS_LENGTH) + BODY),
        ("two blank lines before", 400, b"\r\n\r\n" + head(OF_ITS_LENGTH) + BODY),
    ]
]

H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
WEBSOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
TRAILERS = b"0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil.example\r\n\r\n"

# One request each, by whoever reads right: its body is a request for who does not look at it.
LEGAL = [
    Attack(f"legal, {name}", sent)
    for name, sent in {
        "CL.0": head(LENGTH % len(PIECE)) + PIECE,
        "0.CL, a body of a GET": head(LENGTH % len(PIECE), method=b"GET") + PIECE,
        "a body of a DELETE": head(LENGTH % len(PIECE), method=b"DELETE") + PIECE,
        "a body of an OPTIONS": head(LENGTH % len(PIECE), method=b"OPTIONS") + PIECE,
        "chunks of a GET": head(CHUNKED, method=b"GET") + chunk(PIECE) + LAST,
        "chunks of an unheard method": head(CHUNKED, method=b"FROB") + chunk(PIECE) + LAST,
        "a nominated length": head(b"Connection: Content-Length", LENGTH % len(PIECE)) + PIECE,
        "a nominated coding": head(b"Connection: Transfer-Encoding", CHUNKED) + chunk(PIECE) + LAST,
        "zeros before a length": head(b"Content-Length: 00%d" % len(PIECE)) + PIECE,
        "zeros before a chunk's size": head(CHUNKED) + b"00" + chunk(PIECE) + LAST,
        "an extension": head(CHUNKED) + SIZE + b";a=b;c\r\n" + PIECE + b"\r\n" + LAST,
        "forbidden trailers": head(CHUNKED) + chunk(PIECE) + TRAILERS,
        "h2c with a body": head(*H2C, LENGTH % len(PIECE)) + PIECE,
        "h2c with chunks": head(*H2C, CHUNKED) + chunk(PIECE) + LAST,
        "an upgrade of a POST": head(b"Connection: Upgrade", b"Upgrade: x", LENGTH % len(PIECE))
        + PIECE,
        "a WebSocket with a body": head(*WEBSOCKET, LENGTH % len(PIECE), method=b"GET") + PIECE,
        "an expectation": head(b"Expect: 100-continue", LENGTH % len(PIECE)) + PIECE,
        "an expectation of chunks": head(b"Expect: 100-continue", CHUNKED) + chunk(PIECE) + LAST,
        "an expectation in capitals": head(b"Expect: 100-CONTINUE", LENGTH % len(PIECE)) + PIECE,
        "an expectation unheard of": head(b"Expect: y 100-continue", LENGTH % len(PIECE)) + PIECE,
        "a blank line before": b"\r\n" + head(LENGTH % len(PIECE)) + PIECE,
    }.items()
]

# Answered with an error of their own, whoever has them, and nothing goes on.
NEVER_FORWARDED = [
    Attack("CONNECT", head(method=b"CONNECT", target=b"localhost:80"), 405),
    Attack(
        "CONNECT with a body",
        head(LENGTH % len(PIECE), method=b"CONNECT", target=b"localhost:80") + PIECE,
        400,
    ),
    Attack("TRACE with a body", head(LENGTH % len(PIECE), method=b"TRACE") + PIECE, 405),
]

REFUSED = [*BOTH, *LENGTHS, *CHUNK_LINES, *CHUNKS, *LINES, *NEVER_FORWARDED]
