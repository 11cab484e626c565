"""Debian's package tools: a mirror with packages made on the spot, and who has the real ones."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOOLS = all(map(shutil.which, ("apt-get", "dpkg-deb")))

needs_tools = pytest.mark.skipif(not TOOLS, reason="apt-get and dpkg-deb are not installed")
needs_debian_12 = pytest.mark.skipif(
    not TOOLS or platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm",
    reason="the packages of Debian 12 come from a Debian 12",
)


@dataclass
class Mirror:
    """A folder of packages from which apt installs.

    Attributes:
        folder: Where it is.
        origin: Whose packages they are said to be.
        codename: Of which release.
        trusted: Whether the machine's administrator takes it without a signature.
    """

    folder: Path
    origin: str = "Debian"
    codename: str = "bookworm"
    trusted: bool = True
    _indexed: list[str] = field(default_factory=list)

    def add(self, tree: Path, name: str, version: str, scripts: Mapping[str, str], **fields: str):
        """Make a package of the files of a folder."""
        control = tree / "DEBIAN"
        control.mkdir()
        lines = {
            "Package": name,
            "Version": version,
            "Architecture": "amd64",
            "Maintainer": "A test <test@example.invalid>",
            "Description": "made for a test",
            **{key.replace("_", "-"): value for key, value in fields.items()},
        }
        said = "".join(f"{key}: {value}\n" for key, value in lines.items())
        (control / "control").write_text(said)
        for script, text in scripts.items():
            (control / script).write_text(text)
            (control / script).chmod(0o755)
        file = f"{name}_{version}_amd64.deb"
        command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(self.folder / file)]
        subprocess.run(command, check=True, capture_output=True)
        content = (self.folder / file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self._indexed.append(
            f"{said}Filename: ./{file}\nSize: {len(content)}\nSHA256: {digest}\n\n"
        )

    def publish(self) -> Path:
        """Write the indexes; apt's settings that name this mirror alone."""
        index = "".join(self._indexed).encode()
        (self.folder / "Packages").write_bytes(index)
        (self.folder / "Release").write_text(
            f"Origin: {self.origin}\nCodename: {self.codename}\n"
            "Date: Sat, 28 Nov 2026 00:00:00 UTC\n"
            f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
        )
        trusted = "[trusted=yes] " if self.trusted else ""
        sources, settings = self.folder / "sources.list", self.folder / "apt.conf"
        sources.write_text(f"deb {trusted}file:{self.folder} ./\n")
        settings.write_text(
            f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n'
            f'APT::Update::Post-Invoke {{ "touch {self.folder}/ran"; }};\n'
        )
        return settings

    def ran(self) -> list[str]:
        """What was run that nobody asked for."""
        return sorted(path.name for path in self.folder.glob("ran*"))
