"""One step of the journey: a command of another room, shown while it runs, its output kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.markup import escape

TAIL_LINES = 25
"""How much of a failed command's output is shown; the rest is in its log."""

LEAST_SHOWN = 12
"""Letters of a running command's last line below which it is not shown: three say nothing."""

END_SECONDS = 45.0
"""How long an interrupted command may take to end by itself; pulumi waits for what it began."""

LEAST_ROOM = 128 * 1024
"""Bytes of disk without which neither Pulumi nor the stand-in can write what they did."""

FULL_SECONDS = 4.0
"""How long a command may go on on a full disk: some retry for ever."""


class JourneyError(Exception):
    """A step failed. The message says which, why and where the whole output is.

    Attributes:
        output: What the step's command wrote.
    """

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class DiskFullError(JourneyError):
    """A step failed because there is no room for what it writes."""


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
        remedy: Callable[[str], str] | None = None,
    ) -> str:
        """Run `command`, return its standard output.

        Args:
            title: What happens, in the user's words.
            command: The argument list.
            env: The whole environment of the command.
            remedy: Says what to do when it fails, from its output; added to the error.

        Raises:
            JourneyError: The command could not be started or ended with another code than 0.
            KeyboardInterrupt: The user interrupted; by then the command has ended.
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
                # In a session of its own: Ctrl-C reaches it once, from here, and in its own time.
                process = subprocess.Popen(
                    command,
                    cwd=self.root,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as error:
                raise JourneyError(f"{title}: cannot run {command[0]}: {error.strerror}") from error
            with (
                process,
                self._ended_when_interrupted(process, title),
                self._ended_when_full(process),
            ):
                for line in process.stdout or ():
                    with contextlib.suppress(OSError):  # a full disk: the command says it better
                        kept.write(line)
                    output.append(line)
                    shown = line.strip()
                    if shown:
                        status.update(self._progress(title, time.monotonic() - began, shown))
        seconds = time.monotonic() - began
        if process.returncode != 0:
            self._report_failure(title, output, log)
            if self._is_full() or "no space left on device" in "".join(output).lower():
                raise DiskFullError(
                    f"{title} failed: the disk with {self.logs.parent} is full; make room, then "
                    "run the same command again"
                )
            raise JourneyError(
                f"{title} failed with exit code {process.returncode} after {seconds:.1f} s."
                + (f" {advice}" if (advice := remedy("".join(output)) if remedy else "") else "")
                + f" The whole output: {self.relative(log)}",
                "".join(output),
            )
        self.done(title, seconds)
        return "".join(output)

    @contextmanager
    def timed(self, title: str) -> Iterator[None]:
        """Show work of this process as a step."""
        began = time.monotonic()
        with self.console.status(escape(title)):
            yield
        self.done(title, time.monotonic() - began)

    def done(self, title: str, seconds: float) -> None:
        """Show a finished step in one line."""
        mark = self._mark("✓", "ok")
        self.console.print(f"[green]{mark}[/green] {escape(title)} [dim]({seconds:.1f} s)[/dim]")

    def detail(self, line: str) -> None:
        """Show one line under the last step."""
        self.console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)

    def relative(self, path: Path) -> str:
        """`path` as the user would type it from the checkout."""
        return os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)

    def _progress(self, title: str, seconds: float, line: str) -> str:
        """The running step in one line of the terminal, however narrow."""
        room = self.console.width - len(title) - 12
        shown = f"  {escape(line[:room])}" if room >= LEAST_SHOWN else ""
        return f"{escape(title)} [dim]{seconds:.0f} s{shown}[/dim]"

    def _mark(self, sign: str, word: str) -> str:
        """A sign, or a word where the output cannot hold the sign."""
        try:
            sign.encode(self.console.encoding)
        except (LookupError, UnicodeEncodeError):
            return word
        return sign

    def _is_full(self) -> bool:
        return shutil.disk_usage(self.logs).free < LEAST_ROOM

    @contextmanager
    def _ended_when_full(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """On a full disk a command is told to end, and soon killed."""
        over = threading.Event()

        def watch() -> None:
            since: float | None = None
            while not over.wait(0.5):
                now = time.monotonic()
                since = (since or now) if self._is_full() else None
                if since is None or now - since < FULL_SECONDS:
                    continue
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
                if now - since > 2 * FULL_SECONDS:
                    _kill(process.pid)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    @contextmanager
    def _ended_when_interrupted(self, process: subprocess.Popen[str], title: str) -> Iterator[None]:
        """An interrupt is handed on once, then there is a bound; a second one ends the patience."""
        try:
            yield
        except KeyboardInterrupt:
            self.console.print(
                f"{escape(title)}: interrupted; it may end by itself within {END_SECONDS:.0f} s "
                "(Ctrl-C again kills it)"
            )
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            limit = threading.Timer(END_SECONDS, _kill, [process.pid])
            limit.start()
            try:
                for _ in process.stdout or ():  # until whoever writes to its pipe has ended
                    pass
                process.wait()
            except KeyboardInterrupt:
                _kill(process.pid)
            finally:
                limit.cancel()
                _kill(process.pid)
            raise

    def _report_failure(self, title: str, output: Sequence[str], log: Path) -> None:
        self.console.print(f"[red]{self._mark('✗', 'failed')}[/red] {escape(title)}")
        if len(output) > TAIL_LINES:
            self.detail(f"... {len(output) - TAIL_LINES} lines more in {self.relative(log)}")
        for line in output[-TAIL_LINES:]:
            self.detail(line.rstrip())


def _kill(pid: int) -> None:
    """SIGKILL to a command, its descendants and the rest of its session."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words)[:48]
