"""What a frontend says so that an answer of its becomes somebody else's, or a longer one.

Of each: the bytes, and what a client may be told: 502, or the answer itself, by the strict reading.
POISON is nobody's body: a client that hears it was poisoned.
"""

from __future__ import annotations

from dataclasses import dataclass

POISON = b"POISON"
OK = b"HTTP/1.1 200 OK\r\n"
SECOND = OK + b"Content-Length: %d\r\n\r\n%b" % (len(POISON), POISON)
OWN = b"own"
WHOLE = OK + b"Content-Length: 3\r\n\r\n" + OWN
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Poison:
    name: str
    said: bytes
    status: int = 502
    body: bytes = b""
    method: str = "GET"


def refused(**said: bytes) -> list[Poison]:
    return [Poison(name.replace("_", " "), bytes_) for name, bytes_ in said.items()]


AMBIGUOUS = refused(
    two_lengths=OK + b"Content-Length: 3\r\nContent-Length: 60\r\n\r\nown" + SECOND,
    two_lengths_in_a_list=OK + b"Content-Length: 3, 60\r\n\r\nown" + SECOND,
    a_length_and_chunks=OK
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SECOND,
    chunks_and_a_length=OK
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
    + SECOND,
    a_length_with_a_plus=OK + b"Content-Length: +3\r\n\r\nown" + SECOND,
    a_length_with_a_minus=OK + b"Content-Length: -3\r\n\r\nown" + SECOND,
    a_length_in_hex=OK + b"Content-Length: 0x3\r\n\r\nown" + SECOND,
    a_length_of_nothing=OK + b"Content-Length:\r\n\r\nown" + SECOND,
    a_length_beyond_64_bits=OK + b"Content-Length: 18446744073709551619\r\n\r\nown" + SECOND,
    a_folded_length=OK + b"Content-Length: 3\r\n 0\r\n\r\nown" + SECOND,
    a_blank_before_the_colon=OK + b"Content-Length : 3\r\n\r\nown" + SECOND,
    an_unknown_coding=OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
    chunked_twice=OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SECOND,
    chunked_before_another=OK + b"Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n" + SECOND,
    a_bare_cr_in_a_value=OK + b"X: a\rContent-Length: 3\r\n\r\nown" + SECOND,
    a_bare_cr_in_the_reason=b"HTTP/1.1 200 a\rSet-Cookie: x=y\r\nContent-Length: 3\r\n\r\nown",
    a_nul_in_a_value=OK + b"X: \x00\r\nContent-Length: 3\r\n\r\nown" + SECOND,
    a_nul_in_a_name=OK + b"X\x00: y\r\nContent-Length: 3\r\n\r\nown" + SECOND,
    no_colon=OK + b"Content-Length\r\n\r\nown" + SECOND,
    no_version=b"200 OK\r\n\r\n" + SECOND,
    another_version=b"HTTP/2.0 200 OK\r\n\r\n" + SECOND,
    a_status_of_two_digits=b"HTTP/1.1 20 OK\r\n\r\n" + SECOND,
    a_status_of_four_digits=b"HTTP/1.1 2000 OK\r\n\r\n" + SECOND,
    a_101_that_nobody_asked_for=b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\n\r\n" + SECOND,
    interim_answers_without_an_end=b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000 + WHOLE,
    a_head_of_310_kib=OK + b"X: " + b"y" * 310 * 1024 + b"\r\n\r\n" + SECOND,
    two_thousand_fields=OK + b"X: y\r\n" * 2000 + b"\r\n" + SECOND,
    a_blank_line_first=b"\r\n\r\n\r\n\r\n" + WHOLE,
)

# The answer is one; what comes behind it is nobody's, and its connection is not used again.
FOLLOWED = [
    Poison("an answer behind an answer", WHOLE + SECOND, 200, OWN),
    Poison("bytes behind an answer", WHOLE + POISON, 200, OWN),
    Poison("an answer behind chunks", CHUNKED + b"3\r\nown\r\n0\r\n\r\n" + SECOND, 200, OWN),
    Poison("an interim answer behind an answer", WHOLE + b"HTTP/1.1 100 C\r\n\r\n", 200, OWN),
    Poison("a body of a 204", b"HTTP/1.1 204 No Content\r\n\r\n" + SECOND, 204),
    Poison("a length of a 204", b"HTTP/1.1 204 N\r\nContent-Length: 6\r\n\r\nPOISON", 204),
    Poison("a body of a 304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + SECOND, 304),
    Poison("a length of a 304", b"HTTP/1.1 304 N\r\nContent-Length: 6\r\n\r\nPOISON", 304),
    Poison(
        "chunks of a 304", b"HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n" + SECOND, 304
    ),
    Poison("a body of a HEAD", WHOLE[:-3] + SECOND, 200, b"", "HEAD"),
    Poison("chunks of a HEAD", CHUNKED + b"6\r\nPOISON\r\n0\r\n\r\n", 200, b"", "HEAD"),
    Poison("a body of nothing", OK + b"Content-Length: 0\r\n\r\n" + SECOND, 200),
    Poison(
        "trailers of the framing",
        CHUNKED + b"3\r\nown\r\n0\r\nContent-Length: 9\r\nSet-Cookie: x=y\r\n\r\n" + SECOND,
        200,
        OWN,
    ),
]

# Whatever the client hears is cut, or says 502: it is no whole answer.
BROKEN_CHUNKS = [
    Poison(f"chunks, {name}", CHUNKED + chunks + SECOND)
    for name, chunks in {
        "0x": b"0x3\r\nown\r\n0\r\n\r\n",
        "plus": b"+3\r\nown\r\n0\r\n\r\n",
        "underscore": b"0_3\r\nown\r\n0\r\n\r\n",
        "overflow": b"10000000000000003\r\nown\r\n0\r\n\r\n",
        "no size": b"\r\nown\r\n0\r\n\r\n",
        "a byte too many": b"3\r\nownx\r\n0\r\n\r\n",
        "no line end behind the data": b"3\r\nown0\r\n\r\n",
        "a cr in an extension": b"3;a\rb\r\nown\r\n0\r\n\r\n",
        "an extension without an end": b"3;" + b"x" * 100_000 + b"\r\nown\r\n0\r\n\r\n",
        "trailers without an end": b"3\r\nown\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        "a trailer without a colon": b"3\r\nown\r\n0\r\nX\r\n\r\n",
    }.items()
]
