"""Debian's packages, unpacked into a folder: no root is needed, and the machine stays as it is.

apt checks the signatures of the lists and the packages against them, with the machine's sources.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_azure.command import command_output
from local_azure.errors import LocalAzureError

_TOOLS = ("apt-get", "dpkg-deb")


def unpack(packages: Sequence[str], root: Path, environment: Mapping[str, str]) -> None:
    """Get packages and put their files together, as `/` would have them; nothing of them is run.

    What they depend on is not followed.

    Args:
        packages: Their names.
        root: The folder; it is made where there is none.
        environment: With PATH, and the user's proxies.

    Raises:
        LocalAzureError: There is no apt, it reaches no such package, or one cannot be unpacked.
    """
    for tool in _TOOLS:
        if shutil.which(tool, path=environment.get("PATH")) is None:
            raise LocalAzureError(f"`{tool}` is not on PATH")
    with tempfile.TemporaryDirectory(prefix="apt-") as name:
        folder = Path(name)
        # Lists of its own: the machine's may be missing, or name what the mirror has no more.
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "apt.conf").write_text(
            f'Dir::State "{folder}";\nDir::State::status "/dev/null";\n'
            f'Dir::Cache "{folder}/cache";\nAPT::Sandbox::User "root";\n'
            "#clear APT::Update;\n"  # no commands of the machine's
        )
        _apt(folder, environment, "update")
        _apt(folder, environment, "download", *packages)
        root.mkdir(parents=True, exist_ok=True)
        for package in sorted(folder.glob("*.deb")):
            command = ["dpkg-deb", "-x", str(package), str(root)]
            command_output(command, environment, failed=f"{package.name} could not be unpacked")


def _apt(folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
    command = ["apt-get", "-qq", "-c", str(folder / "apt.conf"), *arguments]
    failed = f"`apt-get {' '.join(arguments)}` failed"
    command_output(command, environment, folder, failed=failed)
