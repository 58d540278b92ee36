"""The files of a built frontend: WhiteNoise finds them, and what is told of them is ours."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.utils.http import http_date
from whitenoise.base import WhiteNoise  # type: ignore[import-untyped]
from whitenoise.responders import (  # type: ignore[import-untyped]
    IsDirectoryError,
    MissingFileError,
    NotARegularFileError,
)

from samesite_proxy.built.codings import CODINGS
from samesite_proxy.built.hashed import ASSETS, MANIFEST, is_hashed
from samesite_proxy.built.opened import Replaced, Signature, read, signature_of, unreadable
from samesite_proxy.built.pages import FALLBACKS, INDEX, MISSING, kind_of

IMMUTABLE = "public, max-age=31536000, immutable"
# Nothing else may be kept without a question whether it is still the same.
ASK_AGAIN = "no-cache"
# Of a larger file its time and size are the tag, since all of it would have to be read.
LARGEST_HASHED = 1024 * 1024
# A file system that ignores case has a file by many names.
MOST_KNOWN = 16384

# A sibling that is so much older than its file is left from a build before.
OLDER_BY_NS = 60 * 10**9
# Until then a file may be written again without a sign of it in its times (FAT's are of 2 s).
SETTLED_NS = 2 * 10**9

Signatures = tuple[Signature | None, ...]


@dataclass(frozen=True)
class Variant:
    """One coding of a file: a file of its own."""

    coding: str
    path: str
    signature: Signature

    @property
    def size(self) -> int:
        return self.signature[2]

    @cached_property
    def etag(self) -> str:
        """Strong. Builds that can be repeated give all their files one time, and an index.html
        that names other files has the same size: the bytes have to be looked at."""
        tag = f"{self.signature[3]:x}-{self.size:x}"
        if self.size <= LARGEST_HASHED:
            content = read(self.path, self.signature, 0, self.size)
            tag = hashlib.blake2b(content, digest_size=12).hexdigest()
        return f'"{tag}-{self.coding}"' if self.coding else f'"{tag}"'


@dataclass(frozen=True)
class BuiltFile:
    """A file with all its codings."""

    variants: tuple[Variant, ...]  # the file itself is the first
    signatures: Signatures
    content_type: str
    cache_control: str

    @cached_property
    def modified(self) -> int:
        """None of the future (RFC 9110, 8.8.2.1), nor one that no date can say."""
        return max(0, min(self.variants[0].signature[3] // 10**9, int(time.time())))

    @cached_property
    def last_modified(self) -> str:
        return http_date(self.modified)


@dataclass(frozen=True)
class Elsewhere:
    """A folder, asked for without its slash: a relative address, since others may stand in front
    that cut off a prefix."""

    location: str


# No name in it begins with a dot, but .well-known; what a file system reads otherwise is none.
_NAME = r"(?:\.well-known|[^./\\\0][^/\\\0]*)"
_FILE = re.compile(rf"/(?:{_NAME}/)*{_NAME}?")


def may_be_page(path: str) -> bool:
    return "." not in path.rpartition("/")[2]


class Files(WhiteNoise):  # type: ignore[misc]
    """One folder, below one prefix. Each request sees the folder as it is."""

    def __init__(self, folder: str, prefix: str) -> None:
        super().__init__(
            None, folder, prefix, autorefresh=True, max_age=None, allow_all_origins=False
        )
        ((self._root, self._prefix),) = self.directories
        self._assets = os.path.join(self._root, ASSETS)
        self._manifest = os.path.join(self._root, MANIFEST)
        self._known: dict[str, BuiltFile] = {}

    def _below(self, path: str) -> str:
        """What of it the folder's names have to be; the prefix is the project's own."""
        return path[len(self._prefix) - 1 :]

    def is_public(self, path: str) -> bool:
        """Whether a page may have this path, be it one of a file or not."""
        names = self._below(path).split("/")
        return not any(name.startswith(".") and name != ".well-known" for name in names) and not (
            set(path) & set("\\\0")
        )

    def find(self, path: str) -> BuiltFile | Elsewhere | None:
        """What is at PATH_INFO; None: nothing."""
        if not path.startswith(self._prefix):
            return self.redirect(path, f"{path}/") if f"{path}/" == self._prefix else None
        if not _FILE.fullmatch(self._below(path)):
            return None
        place = self._root + path[len(self._prefix) :]
        known = self._known.get(place)
        if known is not None and known.signatures == self._signatures(place):
            return known
        try:
            return self.find_file_at_path(place, path)
        except (ValueError, NotARegularFileError):
            return None
        except OSError as error:  # What is out of the folder is none of it, whatever it is.
            if not self._is_inside(place):
                return None
            raise unreadable(error, place) from error

    def find_file_at_path(self, path: str, url: str) -> BuiltFile | Elsewhere:
        if self.is_compressed_variant(path):
            raise MissingFileError(path)
        if url.endswith("/"):
            return self._page_with_slash(path, url)
        try:
            return self.get_static_file(path, url)
        except IsDirectoryError:
            if kind_of(os.path.join(path, INDEX)) == stat.S_IFREG:
                return self.redirect(url, f"{url}/")
        except MissingFileError:
            pass
        return self.get_static_file(f"{path}.html", url)  # As Next and SvelteKit export pages.

    def _page_with_slash(self, path: str, url: str) -> BuiltFile | Elsewhere:
        try:
            return self.get_static_file(os.path.join(path, INDEX), url)
        except MissingFileError:
            if url == self._prefix and (fallback := self._first_of(FALLBACKS)) is not None:
                return fallback
            if url == self._prefix:
                raise
            # Such a page has no slash, and its relative addresses count on that.
            self.get_static_file(f"{path[:-1]}.html", url)
            return Elsewhere(f"../{quote(url[:-1].rpartition('/')[2])}")

    def _first_of(self, names: Iterable[str]) -> BuiltFile | None:
        for name in filter(lambda name: os.path.isfile(self._root + name), names):
            with suppress(OSError, NotARegularFileError):
                return self.get_static_file(self._root + name, self._prefix + name)
        return None

    def page_instead(self, path: str) -> tuple[BuiltFile | None, int]:
        """What a browser gets at an address of no file, and with which status: the page that finds
        its way by itself, unless the build has one that says that there is no such page."""
        if may_be_page(path) and (fallback := self._first_of(FALLBACKS)) is not None:
            return fallback, 200
        if (missing := self._first_of([MISSING])) is not None:
            return missing, 404
        return (self._first_of([INDEX]) if may_be_page(path) else None), 200

    def redirect(self, from_url: str, to_url: str) -> Elsewhere:
        return Elsewhere(f"./{quote(from_url.rpartition('/')[2])}/")

    def forget(self, file: BuiltFile) -> None:
        self._known.pop(file.variants[0].path, None)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> BuiltFile:
        """A file as it was looked at before, where nothing of it has changed since."""
        known, signatures = self._known.get(path), self._signatures(path)
        if known is not None and known.signatures == signatures:
            return known
        if signatures[0] is None:
            self._known.pop(path, None)
            is_folder = kind_of(path) == stat.S_IFDIR
            raise IsDirectoryError(path) if is_folder else MissingFileError(path)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.pop(path, None)
        is_settled = _are_settled(signatures)
        found = self._look_at(path, signatures, is_settled=is_settled)
        if is_settled:
            self._known[path] = found
        return found

    def _signatures(self, path: str) -> Signatures:
        """Of a file, of what stands beside it for each other coding, and of what else counts."""
        signatures = [_signature(path + ending) for ending, _ in CODINGS]
        if path.startswith(self._assets):
            signatures.append(_signature(self._manifest))
        return tuple(signatures)

    def _look_at(self, path: str, signatures: Signatures, *, is_settled: bool) -> BuiltFile:
        oldest = signatures[0][3] - OLDER_BY_NS if signatures[0] else 0
        variants = tuple(
            Variant(coding, path + ending, signature)
            for (ending, coding), signature in zip(CODINGS, signatures, strict=False)
            if signature is not None and signature[3] >= oldest
        )
        if not all(self._is_inside(variant.path) for variant in variants):
            raise MissingFileError(path)
        name = path[len(self._root) :].replace(os.sep, "/")
        kind = str(self.media_types.get_type(path))
        content_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        # What may not be written to its end yet is nothing to keep for a year.
        is_final = is_settled and is_hashed(Path(self._root), name)
        control = IMMUTABLE if is_final else ASK_AGAIN
        return BuiltFile(variants, signatures, content_type, control)

    def _is_inside(self, path: str) -> bool:
        """Whether no symbolic link leads out of the folder, which may be one itself."""
        root = os.path.realpath(self._root)
        inside: bool = os.path.commonpath([os.path.realpath(path), root]) == root
        if not inside and os.path.realpath(self._root) != root:
            raise Replaced  # By another folder, that its name leads to since.
        return inside


def _signature(path: str) -> Signature | None:
    """None where no regular file is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return signature_of(found) if stat.S_ISREG(found.st_mode) else None


def _are_settled(signatures: Signatures) -> bool:
    newest = max(signature[4] for signature in signatures if signature is not None)
    return time.time_ns() - newest > SETTLED_NS
