"""Puts each fault of faults.toml into a copy of the tree: the tests named for it must fail there.

Some are for the soak to find, in place of a test.

python -m tests.faults [WORDS]    all of them, or those with these words in their names
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINE = "samesite_proxy/_engine.abi3.so"
LEFT_OUT = (".git", ".venv*", ".*_cache", "__pycache__", "build", "dist", "node_modules", "var")
SECONDS = 600

# A minute of load, in which all that it does comes several times.
SOAK = ("-m", "tests.soak", "--minutes=1", "--restart-every=20")
SOAKED = re.compile(r"^(?:wrong .*|.* RISES)$", re.MULTILINE)
PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")
FAILED = re.compile(r"^(?:FAILED|ERROR) \S+::(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """`old`, which stands once in a file, becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str] = field(default_factory=list)
    soak: bool = False

    def put_into(self, tree: Path) -> None:
        path = tree / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise LookupError(f"{self.file} has it {text.count(self.old)} times: {self.old!r}")
        path.write_text(text.replace(self.old, self.new))


def faults() -> list[Fault]:
    told = tomllib.loads(Path(__file__).with_name("faults.toml").read_text())
    return [Fault(**fields) for fields in told["fault"]]


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def build(tree: Path) -> None:
    done = run(tree, "setup.py", "-q", "build_ext", "--inplace")
    if done.returncode != 0:
        raise RuntimeError(f"the engine is not built:\n{done.stderr}")


def copy(source: Path, tree: Path) -> Path:
    """A tree as it is, with its engine."""
    shutil.copytree(source, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    told = run(tree, "-c", "from samesite_proxy import _engine; print(_engine.__file__)").stdout
    if told.strip() != str(tree / ENGINE):
        raise RuntimeError(f"the copy's engine would not be run, but {told}")
    return tree


def verdict_on(fault: Fault, whole: Path) -> tuple[bool, str]:
    """Whether its tests notice it in a copy of the tree, and which one did, or why not."""
    with tempfile.TemporaryDirectory(prefix="samesite-proxy-fault-") as folder:
        try:
            tree = copy(whole, Path(folder, "tree"))
            fault.put_into(tree)
            if fault.file.startswith("csrc/"):
                build(tree)
            done = run(tree, *(SOAK if fault.soak else (*PYTEST, *fault.tests)))
        except (LookupError, RuntimeError, subprocess.TimeoutExpired) as error:
            return False, str(error)
    found = (SOAKED if fault.soak else FAILED).findall(done.stdout)
    if done.returncode != 1 or not found:
        said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return False, f"not noticed: it ends with {done.returncode}\n{said}"
    return True, " ".join(f"soak: {'; '.join(found)}".split()) if fault.soak else found[0]


def pass_without(chosen: list[Fault], whole: Path) -> bool:
    """What fails anyway would notice nothing."""
    tests = sorted({test for fault in chosen for test in fault.tests})
    programs = [(*PYTEST, *tests)] if tests else []
    programs += [SOAK] if any(fault.soak for fault in chosen) else []
    for program in programs:
        done = run(whole, *program)
        if done.returncode != 0:
            print(done.stdout, done.stderr)
            return False
    return True


def report_on(chosen: list[Fault], whole: Path) -> int:
    """A table of them, and how many nobody has noticed."""
    missed = 0
    print("| Fault | Noticed by |\n|---|---|", flush=True)
    for fault in chosen:
        is_noticed, by = verdict_on(fault, whole)
        missed += not is_noticed
        print(f"| {fault.name} | {f'`{by}`' if is_noticed else f'**nobody**: {by}'} |", flush=True)
    print(f"\n{len(chosen) - missed} of {len(chosen)} faults are noticed.")
    return missed


def main(words: str) -> int:
    chosen = [fault for fault in faults() if words in fault.name]
    with tempfile.TemporaryDirectory(prefix="samesite-proxy-whole-") as folder:
        whole = copy(ROOT, Path(folder, "tree"))
        if not pass_without(chosen, whole):
            print("Without a fault these tests do not pass.")
            return 1
        return 1 if report_on(chosen, whole) else 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
