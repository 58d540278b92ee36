"""Whose word on a frontend's certificate counts."""

from __future__ import annotations

import os

from samesite_proxy.conf import Frontend, Settings


def authorities_of(frontend: Frontend, settings: Settings) -> tuple[str | None, str | None]:
    """A file of theirs, and folders. Where the system's are is Python's to say: its OpenSSL is the
    system's also where the engine's is not, and heeds SSL_CERT_FILE and SSL_CERT_DIR."""
    if settings.ca_file or not frontend.url.startswith("https:"):
        return settings.ca_file, None
    import ssl  # Needed for nothing else.

    paths = ssl.get_default_verify_paths()
    # The variable may list folders, which Python takes for the name of one.
    return paths.cafile, os.environ.get(paths.openssl_capath_env) or paths.capath
