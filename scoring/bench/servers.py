"""The servers as processes: started on given cores, measured, stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from scoring.environments import environment
from scoring.manifest import Manifest

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
ROOT = Path(__file__).resolve().parents[2]
BASELINE = Path(__file__).with_name("baseline_score.py")
BARE = Path(__file__).with_name("bare_server.py")
THEIR_NAME = "azureml-inference-server-http"
MLSERVER_NAME = "MLServer"
IMAGE = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "268435456"}
"""What the image sets for glibc; theirs gets it, too."""

MICROSOFT, MLSERVER = "azureml-inference-server", "mlserver"
"""Their locks, beside this file."""


def packages(server: str) -> Path:
    """The environment of another server: exactly its locked packages.

    Raises:
        PackagesError: They cannot be installed.
    """
    lock = Path(__file__).with_name(f"{server}.txt")
    return environment(lock.read_bytes(), server)


class ServerFailedError(Exception):
    """A server did not come up; the message says which, and what it wrote last."""


@dataclass
class Running:
    """A server that answers.

    Attributes:
        name: What it is called in reports.
        process: The one that was started.
        port: Its port on 127.0.0.1.
        errors: What it writes to stderr.
        cold_start: Seconds from its start to its first good answer.
    """

    name: str
    process: subprocess.Popen[bytes]
    port: int
    errors: Path
    cold_start: float = 0.0

    def tree(self) -> list[psutil.Process]:
        """The process and all below it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        return []

    def resident(self) -> int:
        """Bytes of RSS of the whole tree; what a parent shares with its child counts twice."""
        return int(self._sum(lambda process: process.memory_info().rss))

    def proportional(self) -> int:
        """Bytes of PSS of the whole tree; what processes share is divided among them."""
        return int(self._sum(lambda process: process.memory_full_info().pss))

    def files(self) -> int:
        """Open file descriptors of the whole tree."""
        return int(self._sum(lambda process: process.num_fds()))

    def busy_seconds(self) -> float:
        """Processor time that the whole tree has used."""
        return self._sum(lambda process: sum(process.cpu_times()[:2]))

    def _sum(self, ask: Callable[[psutil.Process], float]) -> float:
        """Of the whole tree; what ends meanwhile counts nothing."""
        found = 0.0
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                found += ask(process)
        return found

    def last_words(self) -> str:
        """The last line on stderr."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.errors.read_text(errors="replace").strip().splitlines()
            return lines[-1][:300] if lines else ""
        return ""

    def stop(self) -> int:
        """SIGTERM, and the exit code; what does not end is killed with all below it."""
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait(STOP_SECONDS)


def ours(
    model: Path, folder: Path, cores: set[int], workers: int = 1, **variables: str
) -> AbstractContextManager[Running]:
    """This project's service with its defaults, every protection and the log on."""
    port = _free_port()
    variables = {
        "PYTHONPATH": str(ROOT),
        "AZUREML_MODEL_DIR": str(model.resolve()),
        "SCORING_WORKERS": str(workers),
        "SCORING_PORT": str(port),
        **variables,
    }
    command = [sys.executable, "-m", "scoring.process"]
    return _started("ours", command, port, "/ready", folder, cores, variables)


def theirs(
    environment: Path, model: Path, folder: Path, cores: set[int]
) -> AbstractContextManager[Running]:
    """`azureml-inference-server-http` with one worker and the tutorial's kind of script."""
    port = _free_port()
    command = [
        str(environment / "bin" / "azmlinfsrv"),
        *("--entry_script", str(BASELINE)),
        *("--model_dir", str(model.resolve())),
        *("--port", str(port)),
        *("--worker_count", "1"),
    ]
    path = f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    # Its gunicorn makes a control socket, which would else be in the home directory.
    variables = {"PATH": path, "XDG_RUNTIME_DIR": str(folder)}
    return _started(THEIR_NAME, command, port, "/", folder, cores, variables)


def mlserver(
    environment: Path, model: Path, folder: Path, cores: set[int]
) -> AbstractContextManager[Running]:
    """MLServer with its scikit-learn runtime in its own process, which is quickest on one core."""
    manifest = Manifest.read(model)
    port, grpc, metrics = _free_port(), _free_port(), _free_port()
    home = folder / "mlserver"
    home.mkdir(exist_ok=True)
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": grpc, "metrics_port": metrics}
    settings |= {"debug": False, "parallel_workers": 0}
    (home / "settings.json").write_text(json.dumps(settings))
    served = {"uri": str((model / manifest.file).resolve()), "version": manifest.version}
    runtime = "mlserver_sklearn.SKLearnModel"
    (home / "model-settings.json").write_text(
        json.dumps({"name": manifest.name, "implementation": runtime, "parameters": served})
    )
    command = [str(environment / "bin" / "mlserver"), "start", str(home)]
    path = f"/v2/models/{quote(manifest.name, safe='')}/ready"
    return _started(MLSERVER_NAME, command, port, path, folder, cores)


def bare(folder: Path, cores: set[int]) -> AbstractContextManager[Running]:
    """A server of a few lines, which shows what is this machine's and what is ours."""
    port = _free_port()
    return _started(
        "a bare server", [sys.executable, str(BARE), str(port)], port, "/", folder, cores
    )


@contextlib.contextmanager
def limited(running: Running, limits: Mapping[str, Mapping[str, str]]) -> Iterator[bool]:
    """Put a server into a control group of its own; False where that is not allowed.

    Args:
        running: The server.
        limits: By the folder of a hierarchy, of either version: what each file of the group gets.
    """
    for root, files in limits.items():
        group = Path(root, f"scoring-bench-{running.process.pid}")
        try:
            group.mkdir()
            for name, content in files.items():
                _tell(group / name, content)
            _move(running, group)
        except OSError:
            _leave(running, group)
            continue
        try:
            yield True
        finally:
            _leave(running, group)
        return
    yield False


def _move(running: Running, group: Path) -> None:
    for process in running.tree():
        _tell(group / "cgroup.procs", str(process.pid))


def _tell(file: Path, setting: str) -> None:
    """Change a control group's file; it is not made where the folder is none of a group."""
    with file.open("r+") as settings:
        settings.write(setting)


def _leave(running: Running, group: Path) -> None:
    """Take everything out of a control group, which ends it."""
    if group.exists():
        with contextlib.suppress(OSError):
            _move(running, group.parent)
        with contextlib.suppress(OSError):
            group.rmdir()


@contextlib.contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Run on these cores, and so does what is started meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _started(
    name: str,
    command: Sequence[str],
    port: int,
    path: str,
    folder: Path,
    cores: set[int],
    variables: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    errors = folder / f"{name}.log"
    # The log of requests is written, but kept nowhere: gigabytes of it would only disturb.
    with errors.open("wb") as output, pinned(cores):
        begin = time.perf_counter()
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**clean(), **IMAGE, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerFailedError(f"{command[0]} cannot be run: {error.strerror}") from None
    running = Running(name, process, port, errors)
    try:
        while not _answers(port, path):
            if process.poll() is not None or time.perf_counter() - begin > READY_SECONDS:
                last = running.last_words() or "nothing"
                raise ServerFailedError(f"{name} does not answer; it wrote last: {last}")
            time.sleep(0.002)
        running.cold_start = time.perf_counter() - begin
        yield running
    finally:
        running.stop()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def clean() -> dict[str, str]:
    """This process's environment without settings of either server."""
    prefixes = ("SCORING_", "MODEL_", "AZUREML_", "MLSERVER_", "MALLOC_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
