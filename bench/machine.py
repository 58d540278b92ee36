"""The two cores: one for the server under test, one for the load and the upstream."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import django

from bench import golang, vite

TOOLS = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "caddy": "caddy",
    "chromium": "chromium",
    "wrk": "wrk",
    "openssl": "openssl",
    "taskset": "util-linux",
}

PACKAGES = ("gunicorn", "uvicorn", "uvloop", "aiohttp", "django-revproxy", "whitenoise")
ROOT = Path(__file__).parent.parent
MEASURED = ("csrc", "samesite_proxy", "bench", "setup.py")


@dataclass(frozen=True)
class Cores:
    """Numbers of the CPUs that are used; the same one twice if there is only one core."""

    load: int
    server: int
    # Apart from the server's; apart from the load's too where there are three cores.
    third: int

    @property
    def comparable(self) -> bool:
        return self.load != self.server


def core_of(cpu: int) -> str:
    """Name the physical core of a CPU, so that two hyper-threads are not taken for two cores."""
    topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return topology.read_text().strip()
    except OSError:
        return str(cpu)


def choose_cores() -> Cores:
    """Take the first usable CPU for the load and the last one on another core for the server."""
    cpus = sorted(os.sched_getaffinity(0))
    load = cpus[0]
    others = [cpu for cpu in cpus if core_of(cpu) != core_of(load)]
    server = others[-1] if others else load
    third = [cpu for cpu in others if core_of(cpu) != core_of(server)]
    return Cores(load, server, third[0] if third else load)


def missing_tools() -> list[str]:
    """Say in one line for each missing program which Debian package has it."""
    if not Path("/proc/self/stat").exists():
        return ["the benchmark reads /proc, which only Linux has"]
    # Debian keeps nginx in /usr/sbin, which an ordinary user's PATH may lack.
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    return [
        f"{tool} is missing: apt-get install {package}"
        for tool, package in TOOLS.items()
        if shutil.which(tool) is None
    ]


def first_line(*command: str) -> str:
    """Return the first line that a program prints about itself."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).partition("\n")[0].strip()


def processor() -> str:
    """Return its name, as far as the kernel knows it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def commit() -> str:
    """Name what is measured, and whether its files were changed since."""
    head = first_line("git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD")
    changed = first_line("git", "-C", str(ROOT), "status", "--porcelain", "--", *MEASURED)
    return f"{head} and changes" if changed else head


def description(cores: Cores) -> dict[str, str | int | bool]:
    """Describe what the figures were taken on."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
        "cpus": os.cpu_count() or 1,
        "comparable": cores.comparable,
        "python": platform.python_version(),
        "django": django.get_version(),
        "nginx": first_line("nginx", "-v").removeprefix("nginx version: "),
        "haproxy": first_line("haproxy", "-v").removeprefix("HAProxy version ").partition(" ")[0],
        "caddy": first_line("caddy", "version"),
        "go": golang.version(),
        "vite": vite.version(),
        "node": first_line("node", "--version"),
        "chromium": first_line("chromium", "--version"),
        "wrk": first_line("wrk", "-v").partition(" [")[0],
        **{name: metadata.version(name) for name in PACKAGES},
    }
