"""One step of the journey: a command of another room, shown while it runs, its output kept."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

TAIL_LINES = 25
"""How much of a failed command's output is shown; the rest is in its log."""


class JourneyError(Exception):
    """A step failed. The message says which, why and where the whole output is."""


@dataclass
class Steps:
    """Runs commands one after the other and says on the console what happens and for how long.

    Attributes:
        console: Where steps are shown; on a terminal a running step has a spinner.
        root: The checkout: the working directory of every command.
        logs: A folder for one log file a step, overwritten by the next run.
    """

    console: Console
    root: Path
    logs: Path
    _count: int = field(default=0, init=False)

    def run(
        self,
        title: str,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        remedy: str = "",
    ) -> str:
        """Run `command`, return its standard output.

        Args:
            title: What happens, in the user's words.
            command: The argument list.
            env: The whole environment of the command.
            remedy: What to do when it fails, added to the error.

        Raises:
            JourneyError: The command could not be started or ended with another code than 0.
        """
        self._count += 1
        log = self.logs / f"{self._count:02d}-{_slug(title)}.log"
        self.logs.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        output: list[str] = []
        with (
            log.open("w", encoding="utf-8") as kept,
            self.console.status(escape(title)) as status,
        ):
            try:
                process = subprocess.Popen(
                    command,
                    cwd=self.root,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                )
            except OSError as error:
                raise JourneyError(f"{title}: cannot run {command[0]}: {error.strerror}") from error
            with process:
                for line in process.stdout or ():
                    kept.write(line)
                    output.append(line)
                    shown = line.strip()
                    if shown:
                        passed = time.monotonic() - began
                        status.update(
                            f"{escape(title)} [dim]{passed:.0f} s  {escape(shown[:80])}[/dim]"
                        )
        seconds = time.monotonic() - began
        if process.returncode != 0:
            self._report_failure(title, output, log)
            raise JourneyError(
                f"{title} failed with exit code {process.returncode} after {seconds:.1f} s."
                + (f" {remedy}" if remedy else "")
                + f" The whole output: {self.relative(log)}"
            )
        self.done(title, seconds)
        return "".join(output)

    def attached(self, title: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Run `command` with the terminal as its own, for commands that draw their own progress.

        Raises:
            JourneyError: It ended with another code than 0.
        """
        began = time.monotonic()
        code = subprocess.run(
            command, cwd=self.root, env=dict(env), stdin=subprocess.DEVNULL, check=False
        ).returncode
        if code != 0:
            raise JourneyError(f"{title} failed with exit code {code}; the reason is above.")
        self.done(title, time.monotonic() - began)

    def done(self, title: str, seconds: float) -> None:
        """Show a finished step in one line."""
        self.console.print(f"[green]✓[/green] {escape(title)} [dim]({seconds:.1f} s)[/dim]")

    def detail(self, line: str) -> None:
        """Show one line under the last step."""
        self.console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)

    def relative(self, path: Path) -> str:
        """`path` as the user would type it from the checkout."""
        return os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)

    def _report_failure(self, title: str, output: Sequence[str], log: Path) -> None:
        self.console.print(f"[red]✗[/red] {escape(title)}")
        if len(output) > TAIL_LINES:
            self.detail(f"... {len(output) - TAIL_LINES} lines more in {self.relative(log)}")
        for line in output[-TAIL_LINES:]:
            self.detail(line.rstrip())


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words)[:48]
