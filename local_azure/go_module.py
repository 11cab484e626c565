"""A command of a Go module, built at an exact version, with progress."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from local_azure import cache
from local_azure.command import command_output
from local_azure.errors import LocalAzureError

END_SECONDS = 10.0
"""How long an interrupted Go may take to tidy up."""


@dataclass(frozen=True)
class GoModule:
    """A throw-away copy of a committed module: its go.sum verifies all that is built.

    Attributes:
        go: The Go command.
        source: The committed folder with go.mod and go.sum.
        folder: Where the copy lives.
        environment: The user's own.
        console: Where progress is shown.
    """

    go: str
    source: Path
    folder: Path
    environment: Mapping[str, str]
    console: Console

    def make(self) -> None:
        """Copy the module."""
        self.folder.mkdir()
        for file in self.source.iterdir():
            shutil.copyfile(file, self.folder / file.name)

    def build(self, package: str, out: Path, flags: str) -> None:
        """Compile a command, a step per package; what Go's cache holds is not compiled again.

        Raises:
            LocalAzureError: It does not compile.
        """
        with self.console.status(f"Getting the modules of {out.name}"):
            total = len(self._run("list", "-deps", package).splitlines())
        process = subprocess.Popen(
            [self.go, "build", "-v", "-ldflags", flags, "-o", str(out), package],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        with (
            process,
            _ended_with_us(process),
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
            last = " ".join(line.strip() for line in said[-3:]) or "no reason given"
            raise LocalAzureError(f"go could not build {package}: {last}")

    def copy(self, module: str, version: str, folder: Path) -> None:
        """Copy a module's source, for one that must be completed before it is built.

        Raises:
            LocalAzureError: Go cannot get it.
        """
        told = self._run("mod", "download", "-json", f"{module}@{version}")
        shutil.copytree(json.loads(told)["Dir"], folder, copy_function=shutil.copyfile)
        for each in (folder, *folder.rglob("*")):
            each.chmod(0o755 if each.is_dir() else 0o644)

    def folder_of(self, module: str) -> Path:
        """Where Go keeps the source of a module that is needed."""
        return Path(self._run("list", "-m", "-f", "{{.Dir}}", module).strip())

    def _run(self, *arguments: str) -> str:
        failed = f"`go {arguments[0]}` failed"
        return command_output([self.go, *arguments], self._environment, self.folder, failed=failed)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **self._own,
            **self.environment,
            "GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw",
            "GOWORK": "off",
            # An interrupted Go leaves its work: here it goes with the copy.
            "GOTMPDIR": str(self.folder.parent),
        }

    @property
    def _own(self) -> dict[str, str]:
        """Where a Go keeps things that the user does not have: not in the user's home."""
        if shutil.which("go", path=self.environment.get("PATH")) == self.go:
            return {}
        kept = work_folder(self.environment)
        # The last is for what Go counts of its own use.
        names = {"GOPATH": "path", "GOCACHE": "cache", "XDG_CONFIG_HOME": "config"}
        return {name: str(kept / folder) for name, folder in names.items()}


@contextmanager
def _ended_with_us(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever interrupts us ends Go and its compilers: as Ctrl-C does, so that it tidies up."""
    try:
        yield
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        raise


def work_folder(environment: Mapping[str, str]) -> Path:
    """What our own Go keeps; an interrupted build is finished from it."""
    return cache.folder(environment) / "go-work"
