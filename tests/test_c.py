"""The C tests of tests/c: compiled with every warning, under sanitizers, valgrind and a fuzzer."""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CSRC = ROOT / "csrc"
PROGRAMS = sorted((ROOT / "tests" / "c").glob("test_*.c"))
FUZZERS = sorted((ROOT / "tests" / "c").glob("fuzz_*.c"))
CORPUS = ROOT / "tests" / "c" / "corpus"

WARNINGS = shlex.split(
    "-std=c11 -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion"
    " -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wwrite-strings"
    " -Wnull-dereference"
)
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

# Linux's own calls, or only those of POSIX; on macOS there is one build.
LINUX_POLLER = ("linux", "-D_GNU_SOURCE")
PORTABLE_POLLER = ("portable", "-D_POSIX_C_SOURCE=200809L")
MACOS_POLLER = ("portable", "-D_DARWIN_C_SOURCE")
OWN_POLLER = LINUX_POLLER if sys.platform == "linux" else MACOS_POLLER

needs_valgrind = pytest.mark.skipif(
    sys.platform == "darwin", reason="valgrind does not run on macOS"
)
each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)


def run(*command: str | Path) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, errors="replace"
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def uses_libcurl(source: Path) -> bool:
    """Whether a file includes libcurl's header, itself or by a header of ours."""
    headers = re.findall(r'^#include [<"]([^>"]+)[>"]', source.read_text(), re.MULTILINE)
    return "curl/curl.h" in headers or any(
        uses_libcurl(CSRC / header) for header in headers if (CSRC / header).exists()
    )


def sources(poller: str) -> list[Path]:
    """All of csrc but for the parts that speak to libcurl or to Python."""
    folders = ("wire", "core", f"core/{poller}", "upstream", "engine", "door")
    found = [path for folder in folders for path in sorted(CSRC.glob(f"{folder}/*.c"))]
    return [path for path in found if not uses_libcurl(path)]


@dataclass
class Build:
    """The sources compiled once, and each test program linked with them."""

    folder: Path
    flags: list[str]
    poller: str

    def __post_init__(self) -> None:
        self.library = self.folder / "csrc.a"
        objects = [self.compiled(source) for source in sources(self.poller)]
        run("ar", "rcs", self.library, *objects)

    def compiled(self, source: Path) -> Path:
        target = self.folder / f"{source.parent.name}_{source.stem}.o"
        run("gcc", *self.flags, f"-I{CSRC}", "-c", source, "-o", target)
        return target

    def program(self, source: Path, *others: Path) -> Path:
        """Others stand in for what the system has."""
        target = self.folder / "_".join(path.stem for path in (source, *others))
        objects = [self.compiled(path) for path in (source, *others)]
        run("gcc", *self.flags, "-pthread", *objects, self.library, "-o", target)
        return target


def build(factory: pytest.TempPathFactory, name: str, poller: tuple[str, str], flags: str) -> Build:
    folder, macro = poller
    return Build(factory.mktemp(name), [*WARNINGS, "-g", macro, *shlex.split(flags)], folder)


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory, "sanitized", OWN_POLLER, f"-O1 {SANITIZERS}")


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory, "portable", PORTABLE_POLLER, f"-O1 {SANITIZERS}")


@pytest.fixture(scope="module")
def threaded(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory, "threaded", OWN_POLLER, "-O1 -fsanitize=thread")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory, "plain", OWN_POLLER, "-O2")


@each_program
@pytest.mark.xdist_group("C, sanitized")
def test_program_passes_under_sanitizers(program: Path, sanitized: Build) -> None:
    run(sanitized.program(program))


@pytest.mark.xdist_group("C, sanitized")
def test_benchmark_takes_all_of_its_heads(sanitized: Build) -> None:
    run(sanitized.program(ROOT / "bench" / "wire.c"), "1")


@pytest.mark.skipif(sys.platform == "darwin", reason="its only build is the portable one")
@each_program
@pytest.mark.xdist_group("C, portable")
def test_program_passes_with_the_portable_poller(program: Path, portable: Build) -> None:
    run(portable.program(program))


@pytest.mark.skipif(sys.platform != "linux", reason="made of Linux's poll")
@pytest.mark.parametrize("most", ["10240", "16"])
@pytest.mark.parametrize("program", ["poller", "client_socket"])
def test_program_passes_with_a_poll_as_on_macos(
    program: str, most: str, portable: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNU_OPEN_MAX", most)
    folder = ROOT / "tests" / "c"
    run(portable.program(folder / f"test_{program}.c", folder / "xnu_poll.c"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [path for path in PROGRAMS if "pthread_create" in path.read_text()],
    ids=lambda path: path.stem,
)
@pytest.mark.xdist_group("C, threaded")
def test_threads_do_not_race(program: Path, threaded: Build) -> None:
    # gcc's sanitizer for threads dislikes much randomness in addresses.
    steady = ["setarch", platform.machine(), "-R"] if shutil.which("setarch") else []
    run(*steady, threaded.program(program))


@pytest.mark.slow
@needs_valgrind
@each_program
@pytest.mark.xdist_group("C, plain")
def test_program_passes_under_valgrind(program: Path, plain: Build) -> None:
    # Fair: a thread that spins would else keep the one that is to stop it from running.
    checked = ["--fair-sched=try", "--error-exitcode=1", "--leak-check=full"]
    run("valgrind", "-q", *checked, plain.program(program))


@pytest.mark.parametrize("fuzzer", FUZZERS, ids=lambda path: path.stem)
def test_fuzzer_accepts_its_corpus(fuzzer: Path, tmp_path: Path) -> None:
    corpus = CORPUS / fuzzer.stem.removeprefix("fuzz_")
    assert any(corpus.iterdir())
    wire = sorted(CSRC.glob("wire/*.c"))
    target = tmp_path / "fuzz"
    flags = ["-std=c11", "-O1", "-g", "-fsanitize=fuzzer,address,undefined"]
    run("clang", *flags, "-fno-sanitize-recover=all", f"-I{CSRC}", fuzzer, *wire, "-o", target)
    run(target, "-runs=0", f"-artifact_prefix={tmp_path}/", corpus)
