"""With this folder on PYTHONPATH, the library `websockets` is not installed.

No sitecustomize does it, of which a process runs one alone: the suite's own, with another build.
"""

from __future__ import annotations

raise ModuleNotFoundError(f"No module named {__name__!r}", name=__name__)
