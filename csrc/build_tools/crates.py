"""Source of others, from crates.io: a version, and what its archive has to be."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from build_tools.machine import install_hint, output, refuse

LICENSES = Path(__file__).parents[1] / "licenses"


@dataclass(frozen=True)
class Crate:
    name: str
    version: str
    sha256: str
    license: str  # in the crate; ours is a copy of it, for wheels

    def fetch(self, folder: Path) -> Path:
        """The crate as cargo unpacks it; `folder` is for what cargo needs to be asked."""
        if not shutil.which("cargo"):
            hint = install_hint("cargo", "brew install rust")
            raise refuse(f"{self.name} is fetched with cargo; {hint}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lib.rs").touch()
        (folder / "Cargo.toml").write_text(
            '[package]\nname = "fetch"\nversion = "0.0.0"\n[lib]\npath = "lib.rs"\n[dependencies]\n'
            f'{self.name} = {{ version = "={self.version}", default-features = false }}\n'
        )
        # Of what the crate needs elsewhere, nothing is needed here; one platform's is the least.
        platform_filter = "--filter-platform=x86_64-unknown-linux-gnu"
        command = ["cargo", "metadata", "--format-version=1", platform_filter]
        said = output(*command, "--manifest-path", str(folder / "Cargo.toml"))
        if said is None:
            raise refuse(f"cargo cannot fetch the crate {self.name} {self.version}")
        # cargo compares what it fetches with the lock.
        if f'checksum = "{self.sha256}"' not in (folder / "Cargo.lock").read_text():
            raise refuse(f"the crate {self.name} {self.version} is not the one that was looked at")
        (found,) = (p for p in json.loads(said)["packages"] if p["name"] == self.name)
        unpacked = Path(found["manifest_path"]).parent
        ours = LICENSES / Path(self.license).parts[0]
        if ours.read_bytes() != (unpacked / self.license).read_bytes():
            raise refuse(f"{ours} is not the licence in the crate {self.name} {self.version}")
        return unpacked
