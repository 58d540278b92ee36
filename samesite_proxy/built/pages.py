"""The pages of a build that stand for others, by the names that hosts of static files know."""

from __future__ import annotations

import errno
import os
import stat

INDEX = "index.html"
# For what the page's own router finds, where index.html is a page like others: as SvelteKit and
# Nuxt, React Router, TanStack Start, and Angular name it.
FALLBACKS = ("200.html", "__spa-fallback.html", "_shell.html", "index.csr.html")
# Where a build has it and no fallback, it knows all of its pages.
MISSING = "404.html"


# By these a system says that a name has nothing, or is none; by others, that nobody may look.
_NOTHING = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.ELOOP),
        *(errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ),
    }
)


def kind_of(path: str) -> int:
    """What stands there (stat.S_IFMT), 0 for nothing. OSError where nobody may look: "no such
    file" would be a lie."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except OSError as error:
        if error.errno in _NOTHING:
            return 0
        raise


def is_built(folder: str) -> bool:
    """Whether it has a page to begin with; OSError as above."""
    pages = (os.path.join(folder, name) for name in (INDEX, *FALLBACKS))
    return any(kind_of(page) == stat.S_IFREG for page in pages)
