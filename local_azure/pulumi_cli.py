"""The Pulumi CLI: the one on PATH, else an official download, else a build from its Go modules."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from local_azure.errors import LocalAzureError

VERSION = "3.259.0"
"""What is downloaded or built."""

OLDEST = (3, 223, 0)
"""What is good enough on PATH: the version of the SDK that the program uses."""

HOST_SDK = "3.75.0"
"""The last SDK module that contains the Python language host; it still speaks to today's CLI."""

INSTALLER = ("get.pulumi.com", 443)
REACH_SECONDS = 4.0
INSTALL_SECONDS = 300.0

_CLI = "github.com/pulumi/pulumi/pkg/v3"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_HOST = "pulumi-language-python"
_EXEC = "pulumi-language-python-exec"
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
        base = self.environment.get("XDG_CACHE_HOME") or str(
            Path(self.environment.get("HOME", "~")).expanduser() / ".cache"
        )
        return Path(base) / "sklearn-mnist-svc" / f"pulumi-{VERSION}"

    def find(self) -> Path | None:
        """The CLI on PATH if it is new enough, else the one in the cache, else None."""
        found = shutil.which("pulumi", path=self.environment.get("PATH"))
        if found and self._usable(Path(found)):
            return Path(found)
        cached = self.cache / "bin" / "pulumi"
        return cached if cached.exists() else None

    def ensure(self) -> Path:
        """The CLI, downloaded or built where there is none.

        Raises:
            LocalAzureError: It can neither be downloaded nor built; the message says what to do.
        """
        if found := self.find():
            return found
        with self._alone():
            cached = self.cache / "bin" / "pulumi"
            if not cached.exists() and not self._download():
                self._build()
            return cached

    def _usable(self, pulumi: Path) -> bool:
        """New enough, and with the Python language host beside it or on PATH."""
        try:
            said = subprocess.run(
                [str(pulumi), "version"],
                env=dict(self.environment),
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
        proxied = any(
            self.environment.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")
        )
        if not proxied:
            try:
                socket.create_connection(INSTALLER, REACH_SECONDS).close()
            except OSError:
                self.console.print("The official Pulumi installer is out of reach.")
                return False
        with self._draft() as draft, self.console.status("Downloading the Pulumi CLI"):
            code = (
                "import sys\nfrom semver import VersionInfo\n"
                "from pulumi.automation import PulumiCommand\n"
                "PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))"
            )
            try:
                done = subprocess.run(
                    [sys.executable, "-c", code, str(draft), VERSION],
                    env=dict(self.environment),
                    capture_output=True,
                    timeout=INSTALL_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return False
            if done.returncode != 0 or not (draft / "bin" / "pulumi").exists():
                return False
            draft.rename(self.cache)
            return True

    def _build(self) -> None:
        go = shutil.which("go", path=self.environment.get("PATH"))
        if go is None:
            raise LocalAzureError(
                f"there is no usable Pulumi CLI on PATH, no internet and no Go; {_REMEDY}"
            )
        self.console.print(
            f"Building the Pulumi CLI {VERSION} from its Go modules, once: a few minutes."
        )
        with self._draft() as draft:
            programs = draft / "bin"
            programs.mkdir()
            stamp = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"
            cli = GoModule(go, draft / "cli", self.environment, self.console)
            cli.require(_CLI, VERSION)
            cli.build(f"{_CLI}/cmd/pulumi", programs / "pulumi", stamp)
            host = GoModule(go, draft / "host", self.environment, self.console)
            host.require(_SDK, HOST_SDK)
            host.build(f"{_SDK}/python/cmd/{_HOST}", programs / _HOST, "-s -w")
            script = cli.folder_of(_SDK) / "python" / "cmd" / _EXEC
            shutil.copyfile(script, programs / _EXEC)
            (programs / _EXEC).chmod(0o755)
            shutil.rmtree(draft / "cli")
            shutil.rmtree(draft / "host")
            draft.rename(self.cache)

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """A folder beside the cache's, renamed when complete, removed when not."""
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            dir=self.cache.parent, prefix=f"{self.cache.name}-", ignore_cleanup_errors=True
        ) as name:
            draft = Path(name) / "draft"
            draft.mkdir()
            yield draft

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two checkouts must not build at the same time."""
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with self.cache.with_name(f"{self.cache.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class GoModule:
    """A throw-away Go module: `go install` refuses modules with replace directives.

    Attributes:
        go: The Go command.
        folder: Where it lives.
        environment: The user's own.
        console: Where progress is shown.
    """

    go: str
    folder: Path
    environment: Mapping[str, str]
    console: Console

    def require(self, module: str, version: str) -> None:
        """Make the module and let it need another one, at exactly this version."""
        self.folder.mkdir()
        self._run("mod", "init", "build")
        with self.console.status(f"Getting {module} {version}"):
            self._run("get", f"{module}@v{version}")

    def build(self, package: str, out: Path, flags: str) -> None:
        """Compile a command, a step per package."""
        total = len(self._run("list", "-deps", package).splitlines())
        process = subprocess.Popen(
            [self.go, "build", "-v", "-ldflags", flags, "-o", str(out), package],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        said: list[str] = []
        with (
            process,
            Progress(
                *Progress.get_default_columns(), TimeElapsedColumn(), console=self.console
            ) as bar,
        ):
            task = bar.add_task(f"compiling {out.name}", total=total)
            for line in process.stderr or ():
                said.append(line)
                bar.advance(task)
                if not self.console.is_terminal and len(said) % 200 == 0:
                    self.console.print(f"  {out.name}: {len(said)} of {total} packages")
            bar.update(task, completed=total)
        if process.returncode != 0:
            raise LocalAzureError(
                f"go could not build {package}: {' '.join(said[-3:]).strip()}; {_REMEDY}"
            )

    def folder_of(self, module: str) -> Path:
        """Where Go keeps the source of a module that is needed."""
        return Path(self._run("list", "-m", "-f", "{{.Dir}}", module).strip())

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.go, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise LocalAzureError(f"go {arguments[0]} failed: {said}; {_REMEDY}")
        return done.stdout

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.environment, "GOFLAGS": "-mod=mod -buildvcs=false", "GOWORK": "off"}
