"""python -m bench.published PAGE: write the page anew from the figures beside it."""

import sys
from pathlib import Path

from bench.cases import CASES
from bench.published import page, store

if __name__ == "__main__":
    file = Path(sys.argv[1])
    page.write(file, store.load(file), [case.name for case in CASES])
