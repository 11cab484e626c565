"""The server as a detached process: started, found again and stopped, by nobody else's pid."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import urlsplit

import psutil

from local_azure.certificates import Certificates
from local_azure.environment import ambient
from local_azure.errors import LocalAzureError
from local_azure.home import CHECKOUT, VARIABLE, Home

START_SECONDS = 60
STOP_SECONDS = 30
"""More than the server's own grace period and that of its containers."""

MAX_LOG = 10 * 1024 * 1024
"""Bytes of a log that is still appended to; a larger one is put aside at the next start."""

_LEAST_ROOM = 64 * 1024
"""Bytes without which neither the database nor a log line can be written."""

_POLL_SECONDS = 0.02
_PROBE_SECONDS = 1.0
_STALE_SECONDS = 1.0

_LAUNCHER = """
import subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdout=sys.stderr, start_new_session=True)
print(server.pid)
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Running:
    """A server that is ready, or was when it wrote this down.

    Attributes:
        pid: Its process.
        created: When that process began (seconds since 1970): a later one may have its pid.
        url: Its base URL.
        keys: The digest of the keys that it read when it started.
    """

    pid: int
    created: float
    url: str
    keys: str = ""

    @classmethod
    def here(cls, url: str = "", keys: str = "") -> Running:
        """This process."""
        return cls(os.getpid(), psutil.Process().create_time(), url, keys)

    @classmethod
    def read(cls, path: Path) -> Running | None:
        """What a process wrote down; None when it wrote nothing that makes sense."""
        try:
            read = cls(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        types = (type(read.pid), type(read.created), type(read.url), type(read.keys))
        return read if types == (int, float, str, str) else None

    def process(self) -> psutil.Process | None:
        """The process, if it still is the same one."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1
        except (psutil.Error, OverflowError, ValueError):
            return None
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None


@contextmanager
def server_lock(home: Home) -> Iterator[None]:
    """Held by the server for as long as it lives; the kernel releases it, however it dies.

    Raises:
        LocalAzureError: Another server holds it.
    """
    with home.server_lock.open("a+") as file:
        # Who asks for the holder has the lock for a moment; a server keeps it.
        if not _until(lambda: _locked(file), _PROBE_SECONDS):
            raise LocalAzureError(
                f"a stand-in already runs on {home.root}; see: python -m local_azure status"
            )
        file.truncate(0)
        file.write(json.dumps(asdict(Running.here())))
        file.flush()
        yield


def _holder(home: Home) -> Running | None:
    """The process that holds the server's lock; None when nobody does."""
    path = home.server_lock
    if not path.exists():
        return None
    with path.open("a+") as file:
        if _locked(file):
            return None
        return _until(lambda: Running.read(path), 1) or _found(home.root)


def _locked(file: IO[str]) -> bool:
    """Lock a file, unless somebody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def status(home: Home) -> Running | None:
    """The server of a state folder, if it is ready."""
    holder = _holder(home)
    running = Running.read(home.running)
    if holder is None or running is None or running.pid != holder.pid:
        return None
    if running.keys != keys(home):
        return None
    return running if _answers(home, running.url) else None


def keys(home: Home) -> str:
    """The digest of what the server and its clients have in common: certificates and secrets.

    A server that was started from others than the folder holds now understands no client.
    """
    digest = hashlib.sha256()
    for folder in (home.certificates, home.private):
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path != home.passphrase:  # Pulumi's alone
                digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def start(home: Home) -> Running:
    """The server of a state folder, started if it is down; returns when it is ready.

    Raises:
        LocalAzureError: it did not become ready; with its last words.
    """
    home.create()
    with _alone(home):
        child: Running | None = None
        stale_since = 0.0
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if running := status(home):
                return running
            # A server that is just being killed may hold the lock for a moment longer.
            holder = _holder(home)
            if child is None and holder is None:
                home.running.unlink(missing_ok=True)
                child = _spawn(home)
            elif child is None and holder is not None and _is_stale(home, holder):
                stale_since = stale_since or time.monotonic()
                if time.monotonic() - stale_since > _STALE_SECONDS:
                    _end(holder)
            if child and child.process() is None:
                break
            time.sleep(_POLL_SECONDS)
    if child and (process := child.process()):
        process.kill()
    raise LocalAzureError(f"the stand-in did not start: {_last_words(home)}")


def stop(home: Home) -> bool:
    """End the server of a state folder; False when none ran.

    Raises:
        LocalAzureError: the lock is held by a process that is not known to be the server.
    """
    if not home.root.is_dir():
        return False
    with _alone(home):
        holder = _holder(home)
        if holder is None:
            home.running.unlink(missing_ok=True)
            return False
        if holder.process() is None:
            raise LocalAzureError(
                f"{home.server_lock} is held by an unknown process: end it (`fuser` shows it)"
            )
        _end(holder)
        home.running.unlink(missing_ok=True)
    return True


def _end(server: Running) -> None:
    """SIGTERM, patience, SIGKILL."""
    process = server.process()
    if process is None:
        return
    process.send_signal(signal.SIGTERM)
    if not _until(lambda: server.process() is None, STOP_SECONDS):
        process.kill()
        _until(lambda: server.process() is None, STOP_SECONDS)


def _is_stale(home: Home, holder: Running) -> bool:
    """Whether a server that holds the lock cannot be used: its note or its keys are not those here.

    One that is just starting has not written a note yet.
    """
    if not home.running.exists():
        return False
    running = Running.read(home.running)
    return running is None or running.pid != holder.pid or running.keys != keys(home)


def _found(root: Path) -> Running:
    """The server of a state folder whose lock says nothing, found among the processes."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cmdline()[1:] == ["-m", "local_azure", "serve"] and (
                process.environ().get(VARIABLE) == str(root)
            ):
                return Running(process.pid, process.create_time(), "")
    return Running(0, 0.0, "")


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One starter or stopper at a time."""
    with home.start_lock.open("a") as file:
        if not _until(lambda: _locked(file), START_SECONDS + STOP_SECONDS):
            raise LocalAzureError(
                f"another start or stop on {home.root} does not end; end it first"
            )
        yield


def _spawn(home: Home) -> Running:
    """Start the server, detached: no child of this process, in a session without a terminal.

    Raises:
        LocalAzureError: It ended at once.
    """
    environment = ambient() | {VARIABLE: str(home.root)}
    if home.log.exists() and home.log.stat().st_size > MAX_LOG:
        home.log.replace(home.log.with_suffix(".log.1"))
    with home.log.open("ab") as log:
        launched = subprocess.run(
            [sys.executable, "-IS", "-c", _LAUNCHER, sys.executable, "-m", "local_azure", "serve"],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            check=True,
        )
    try:
        process = psutil.Process(int(launched.stdout))
        return Running(process.pid, process.create_time(), "")
    except psutil.NoSuchProcess as error:
        raise LocalAzureError(f"the stand-in did not start: {_last_words(home)}") from error


def _answers(home: Home, url: str) -> bool:
    """Whether the stand-in, and nobody else, answers at a URL: its certificate says so."""
    place = urlsplit(url).netloc
    with contextlib.suppress(OSError, http.client.HTTPException):
        context = Certificates.at(home.certificates).client_context()
        connection = http.client.HTTPSConnection(place, timeout=5, context=context)
        with contextlib.closing(connection):
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    return False


def _last_words(home: Home) -> str:
    try:
        lines = home.log.read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        lines = []
    last = lines[-1].removeprefix("error: ") if lines else "it wrote nothing"
    if shutil.disk_usage(home.root).free < _LEAST_ROOM:
        last = f"the disk with {home.root} is full; make room, then run it again"
    return f"{last} (log: {home.log})"


def _until(condition: Callable[[], T], seconds: float) -> T | None:
    """The first true value of a condition, or None when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)
