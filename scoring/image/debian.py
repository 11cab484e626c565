"""A base of Debian's packages: Python 3.11 and the libraries that it needs, and nothing is run.

apt fetches and verifies, from the mirrors that this machine names; what it keeps is in the user's
cache and nothing of the system's is touched. The packages' archives are packed anew as they are
read: their scripts run nowhere, and no user's rights are needed.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from scoring.environments import alone_in_cache, cache
from scoring.errors import ImageError
from scoring.image.layer import Entry, file_entry, link_entry, packed_once
from scoring.image.oci import Base

SECONDS = 900.0
"""How long one run of apt may take."""

_PACKAGES = (
    "python3.11",
    "base-files",  # the folders, and the name of the system for who looks for known weaknesses
    "libstdc++6",  # wheels for Linux count on it
)
_PACKAGES_FOLDER = "usr/local/lib/python3.11/dist-packages"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REMEDY = (
    "make it on Debian 12, or name an exported image of Python 3.11: --base FOLDER"
    " (scoring/README.md says how)"
)

_LEFT_OUT = re.compile(
    r"usr/share/(man|locale|info|lintian|bug|pixmaps|applications|base-files)(/|$)"
    r"|usr/share/doc/(?!.*/copyright$)"
    r"|usr/share/doc/[^/]*$"
    r"|usr/lib/[^/]*/gconv(/|$)"
)
"""For readers and other programs; licences stay. Python brings its own codecs."""

_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\n"
    "scoring:x:10001:10001:scoring:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nscoring:x:10001:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
"""What scripts of the packages would have written."""

_LINKS = {"usr/bin/python3": "python3.11", "usr/bin/python": "python3.11"}

_INSTALLED = """Package: scripts-of-packages
Status: install ok installed
Architecture: all
Maintainer: nobody
Version: 1
Provides: dpkg (= 1.22), awk
Description: what only the scripts of packages need, which run nowhere
"""

_PREFERENCES = """Package: *
Pin: release o=Debian,n=bookworm*
Pin-Priority: 500

Package: *
Pin: release *
Pin-Priority: -1
"""
"""Debian 12 and its updates, whatever else the machine's sources offer."""


def base() -> Base:
    """The base of today's packages; without a network, of those that were last known.

    Raises:
        ImageError: There is no apt or no Debian 12, or a package cannot be had.
        PackagesError: The cache cannot be used.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise ImageError(f"--complete needs {tool}, which is not on this machine; {_REMEDY}")
    folder = cache() / "debian-packages"
    with alone_in_cache(folder / "lock"):
        apt = _Apt(folder)
        wanted = apt.wanted()
        key = f"{wanted}\0{Path(__file__).read_text('utf-8')}"
        layer = packed_once(key, lambda: _entries(apt, wanted))
    return Base((layer,), {"Env": [f"PATH={_PATH}"]}, _PACKAGES_FOLDER)


class _Apt:
    """apt with a state of its own, for a machine on which nothing is installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._settings = folder / "apt.conf"
        status, preferences = folder / "status", folder / "preferences"
        status.write_text(_INSTALLED)
        preferences.write_text(_PREFERENCES)
        self._settings.write_text(
            f'Dir::State "{folder}/state";\nDir::State::status "{status}";\n'
            f'Dir::Cache "{folder}/cache";\n'
            f'Dir::Etc::preferences "{preferences}";\nDir::Etc::preferencesparts "/dev/null";\n'
            "#clear APT::Update;\n#clear APT::Architectures;\n"  # no commands of the machine's
            'APT::Architecture "amd64";\nAPT::Architectures { "amd64"; };\n'
            'APT::Install-Recommends "false";\nAcquire::Languages "none";\n'
            'Acquire::ForceHash "SHA256";\n'
        )

    def wanted(self) -> dict[str, str]:
        """The SHA-256 of each package that has to be had, by its file's name, in their order."""
        update = self._run("update")
        listed = self._run("--print-uris", "install", *_PACKAGES)
        if listed.returncode != 0:
            raise ImageError(
                f"apt has no Python 3.11 of Debian 12: {_said(update, listed)}; {_REMEDY}"
            )
        lines = sorted(line.split()[1::2] for line in listed.stdout.splitlines())
        return {name: digest.removeprefix("SHA256:") for name, digest in lines}

    def fetch(self, wanted: Mapping[str, str], folder: Path) -> Iterator[Path]:
        """The packages' files, verified, in a new folder."""
        folder.mkdir()
        names = [name.partition("_")[0] for name in wanted]
        done = self._run("download", *names, folder=folder)
        if done.returncode != 0:
            raise ImageError(f"apt cannot fetch Debian's packages: {_said(done)}")
        for name, digest in wanted.items():
            content = (folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != digest:
                raise ImageError(f"apt fetched another {name} than its index names")
            yield folder / name

    def _run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = ["apt-get", "-qq", "-c", str(self._settings), *arguments]
        try:
            return subprocess.run(
                command,
                cwd=folder or self._folder,
                env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ImageError(f"apt-get did not end within {SECONDS:g} s") from None


def _said(*runs: subprocess.CompletedProcess[str]) -> str:
    """The first error, and what could not be fetched, of which apt only warns."""
    lines = [line for run in runs for line in run.stderr.splitlines()]
    starts = ("E: ", "W: Failed to fetch ")
    said = [next((line[3:].strip() for line in lines if line.startswith(s)), "") for s in starts]
    return "; ".join(filter(None, said)) or "it says nothing"


def _entries(apt: _Apt, wanted: Mapping[str, str]) -> Iterator[Entry]:
    for name, text in _FILES.items():
        yield file_entry(name, io.BytesIO(text.encode()), len(text))
    for name, target in _LINKS.items():
        yield link_entry(name, target)
    with tempfile.TemporaryDirectory() as place:
        for package in apt.fetch(wanted, Path(place, "packages")):
            yield from _unpacked(package)


def _unpacked(package: Path) -> Iterator[Entry]:
    """A package's files, and what it says of itself where scanners of images look for it."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as packed:
        _dpkg_deb("--field", package, said)
        name = f"var/lib/dpkg/status.d/{package.name.partition('_')[0]}"
        yield file_entry(name, said, os.fstat(said.fileno()).st_size)
        _dpkg_deb("--fsys-tarfile", package, packed)
        with tarfile.open(fileobj=packed) as tar:
            for info in tar:
                info.name = info.name.removeprefix("./")
                if info.islnk():
                    info.linkname = info.linkname.removeprefix("./")
                if info.name != "." and not _LEFT_OUT.match(info.name):
                    yield info, tar.extractfile(info) if info.isreg() else None


def _dpkg_deb(verb: str, package: Path, into: IO[bytes]) -> None:
    """What it answers, to be read from the beginning."""
    command = ["dpkg-deb", verb, str(package)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=into, stderr=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ImageError(f"{package.name} cannot be read: {' '.join(reason)}")
    into.seek(0)
