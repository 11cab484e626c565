"""A command of a Go module, built at an exact version, with progress."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from local_azure.errors import LocalAzureError


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
            raise LocalAzureError(f"`go {arguments[0]}` failed: {said}")
        return done.stdout

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.environment, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
