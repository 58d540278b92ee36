"""Odd requests that one of two parsers refuses and the other reads: why, and which."""

from __future__ import annotations

Listed = dict[str, list[str]]

REFUSED_BUT_READ_BY_H11: Listed = {
    "RFC 9112, 3.2 knows four forms of a target, and this is none that fits the method": [
        "address of a websocket",
        "address of ftp",
        "address with one slash",
        "address without a host",
        "asterisk and more",
        "asterisk for get",
        "authority for get",
        "connect to a path",
        "connect to an address",
        "connect without a port",
        "target of a query",
        "target without a slash",
    ],
    "RFC 9110, 4.2.4: a user in an address is there to deceive": ["address with a user"],
    "RFC 9110, 7.4: an address of https has not come by TLS": ["address of https"],
    "RFC 9110, 7.2: a Host that is no host may be another one for the next reader": [
        "host of a backslash",
        "host of a list",
        "host of a path",
        "host of a query",
        "host of a tab",
        "host of a user",
        "host of an address",
        "host of brackets",
        "host of high bytes",
        "host of two names",
    ],
    "only HTTP/1.0 and 1.1 are spoken": [
        "chunks in http 1.2",
        "http 2 preface",
        "version 0.9",
        "version 1.2",
        "version 1.9",
        "version 2.0",
        "version 3.0",
    ],
    "RFC 9112, 2.2 lets a lone LF end a line, and who does not reads another message": [
        "coding behind a bare lf",
        "field with a bare lf",
        "last chunk with a bare lf behind",
        "lf at the blank line only",
        "lf at the request line only",
        "lines that end with lf",
        "trailer with a bare lf",
    ],
    "RFC 9112, 5.2: a folded line, or a first one that begins with a blank": [
        "coding behind a blank",
        "coding folded",
        "field behind a blank",
        "field behind a tab",
        "field folded at its colon",
        "field folded to a blank line",
        "field folded with a space",
        "field folded with a tab",
        "field with a blank name",
        "length behind a blank",
        "length folded",
        "trailer folded",
    ],
    "RFC 9110, 5.5: control characters in a value are invalid": [
        "field with a backspace",
        "field with a control byte",
        "field with an escape",
        "field with del",
        "trailer with a control byte",
    ],
    "RFC 9110, 8.6: two equal lengths may be refused, and are one length for some": [
        "length as a list of equals",
        "length twice",
    ],
    "RFC 9112, 6.1: two framings are an attack more often than not": [
        "cl.te",
        "coding and length",
        "length and coding",
        "length of nothing and coding",
        "te.0",
        "te.cl",
    ],
    "RFC 9112, 6.1: HTTP/1.0 has no codings, and its readers look for a length": [
        "chunks and length in http_1_0",
        "chunks in http_1_0",
    ],
    "RFC 9110, 9.3.6: behind a CONNECT, some read the tunnel's bytes": [
        "body in chunks of a connect",
        "body of a connect",
    ],
    "RFC 9112, 7.1.1: no blank may stand behind a size, and no such byte in an extension": [
        "chunk with a blank behind",
        "chunk with a cr in its extension",
        "chunk with a high byte in its extension",
        "chunk with a nul in its extension",
        "chunk with a tab behind",
    ],
    "blanks in extensions are legal, but nobody sends them": [
        "chunk with a blank in its extension",
        "chunk with a blank quoted",
    ],
    "a limit: 16 KiB for a target, 64 KiB and 1000 fields for a head": [
        "field of 65 KiB",
        "more fields than a thousand",
        "target of 17 KiB",
    ],
    "a limit: 4 KiB for a chunk's line, 16 KiB for trailers": [
        "chunk with an extension of 5 KiB",
        "trailer of 17 KiB",
    ],
    "a limit: no method in use is half as long": ["method of 33 letters"],
}

REFUSED_BUT_READ_BY_LLHTTP: Listed = {
    "RFC 9112, 3.2 knows four forms of a target, and this is none that fits the method": [
        "address of a websocket",
        "address of ftp",
        "address without a host",
        "asterisk and more",
        "asterisk for get",
        "connect to a path",
        "connect to an address",
        "connect without a port",
    ],
    "RFC 9110, 4.2.4: a user in an address is there to deceive": ["address with a user"],
    "RFC 9110, 7.4: an address of https has not come by TLS": ["address of https"],
    "RFC 9112, 3: single spaces, because who splits at each reads another target": [
        "line with two spaces first",
        "line with two spaces last",
    ],
    "RFC 9112, 3.2: HTTP/1.1 has one Host, or two readers have two": [
        "host twice",
        "host twice and different",
        "no host",
        "no host in an address",
    ],
    "RFC 9110, 7.2: a Host that is no host may be another one for the next reader": [
        "host of a backslash",
        "host of a list",
        "host of a path",
        "host of a query",
        "host of a tab",
        "host of a user",
        "host of an address",
        "host of brackets",
        "host of high bytes",
        "host of two names",
    ],
    "only HTTP/1.0 and 1.1 are spoken, with a version": [
        "line without a version",
        "simple request",
        "version 0.9",
        "version 2.0",
        "version of rtsp",
    ],
    "RFC 9112, 2.2 forgives one empty line before a request": [
        "bare cr before",
        "bare lf before",
        "two empty lines before",
    ],
    "RFC 9112, 6.1: a coding that is not known is 501, and chunked is all that is": [
        "coding of a comma",
        "coding of gzip and chunked",
        "identity and coding",
    ],
    "RFC 9112, 6.1: HTTP/1.0 has no codings, and its readers look for a length": [
        "chunks in http_1_0",
    ],
    "RFC 9110, 9.3.6: behind a CONNECT, some read a body": [
        "body in chunks of a connect",
        "body of a connect",
    ],
    "blanks in extensions are legal, but nobody sends them": ["chunk with a blank quoted"],
    "a limit: 16 KiB for a target, 64 KiB and 1000 fields for a head": [
        "field of 65 KiB",
        "more fields than a thousand",
        "target of 17 KiB",
    ],
    "a limit: 4 KiB for a chunk's line, 16 KiB for trailers": [
        "chunk with an extension of 5 KiB",
        "trailer of 17 KiB",
    ],
}

ONLY_REFUSED_BY_H11: Listed = {
    "bytes above ASCII in a target have one reading, and clients send them": [
        "target above ascii",
        "target that is no utf-8",
    ],
    "h11 takes 20 digits; zeros before them change no number": [
        "chunk with many zeros",
        "length with many zeros",
    ],
    "RFC 9112, 2.2 asks to forgive an empty line before a request": ["empty line before"],
}

ONLY_REFUSED_BY_LLHTTP: Listed = {
    "bytes above ASCII in a target have one reading, and clients send them": [
        "target above ascii",
        "target that is no utf-8",
    ],
    "llhttp knows a list of methods; here each token of at most 32 characters is one": [
        "method in lower case",
        "method of describe",
        "method of mixed case",
        "method unheard of",
        "method with odd token bytes",
    ],
    "RFC 9110, 5.5: a tab is a blank before and after each value": ["coding between tabs"],
    "what an extension says is thrown away, so that its grammar does not matter": [
        "chunk with a semicolon",
        "chunk with a slash in an extension",
        "chunk with semicolons",
    ],
    "RFC 9110, 6.5.1: such a trailer is thrown away, and frames nothing": [
        "trailer with a coding",
        "trailer with a length",
    ],
}

# RFC 9110, 7.8 lets a request with a body ask for an upgrade, and clients do, for h2c. Here it is
# an ordinary request with that body, without an upgrade. llhttp reads the body, too, but httptools
# stops it before, and leaves all that follows to its caller.
LEFT_BY_HTTPTOOLS = ["coding and an upgrade", "length and an upgrade"]
