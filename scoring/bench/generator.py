"""Load by a generator that nobody here wrote: wrk, or else bombardier, built once with Go.

Where neither can be had, our own takes their place; its figures are then no ratios that anybody
else could repeat, and the table says so. None of the foreign ones compares bodies: that is done
beside, by our own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from scoring.bench import bodies, load
from scoring.bench.load import CONNECTIONS, PATIENCE_SECONDS, Load, WrongAnswerError
from scoring.environments import cache

BOMBARDIER = "github.com/codesenberg/bombardier@v1.2.6"
_BUILD_SECONDS = 1200
_HERE = "127.0.0.1"

# Both numbers of microseconds; wrk's own output rounds them.
_LUA = """
wrk.method = "POST"
local file = io.open("{body}", "rb")
wrk.body = file:read("*all")
file:close()
{headers}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("\\nFOUND %d %d %.1f %.1f %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class Generator(Protocol):
    """Sends one request again and again.

    Attributes:
        name: With its version.
        foreign: Whether others have it, too.
    """

    name: str
    foreign: bool

    def run(self, port: int, request: bytes, body: bytes, seconds: float, threads: int = 1) -> Load:
        """Load 127.0.0.1, or where `elsewhere` says, with `load.CONNECTIONS` connections.

        Raises:
            WrongAnswerError: An answer was not 200, or a connection broke off.
        """
        ...


class Wrk:
    """https://github.com/wg/wrk"""

    foreign = True

    def __init__(self, command: str, host: str = _HERE, entering: Sequence[str] = ()) -> None:
        said = subprocess.run([command, "-v"], capture_output=True, text=True, check=False).stdout
        self.name = " ".join(said.split()[:2]) or "wrk"
        self._command = (*entering, command)
        self._host = host

    def run(self, port: int, request: bytes, body: bytes, seconds: float, threads: int = 1) -> Load:
        """See Generator; whole seconds, at least one."""
        with _parts(request) as (path, headers, file), tempfile.NamedTemporaryFile("w") as script:
            lines = "\n".join(f'wrk.headers["{key}"] = "{value}"' for key, value in headers.items())
            script.write(_LUA.replace("{body}", str(file)).replace("{headers}", lines))
            script.flush()
            said = _said(
                *self._command,
                *("-t", str(threads), "-c", str(CONNECTIONS)),
                *("--timeout", f"{PATIENCE_SECONDS:g}s"),  # 2 s are not enough for 1,000 rows
                *("-d", f"{max(1, round(seconds))}s", "-s", script.name),
                f"http://{self._host}:{port}{path}",
            )
        found = [line.split()[1:] for line in said.splitlines() if line.startswith("FOUND ")]
        if not found:
            raise WrongAnswerError(f"{self.name} said: {said[-200:]!r}")
        answers, duration, p50, p99, wrong, broken = map(float, found[0])
        _check(self.name, answers, wrong, broken)
        return Load(answers / duration * 1e6, p50 / 1e6, p99 / 1e6, int(answers))


class Bombardier:
    """https://github.com/codesenberg/bombardier"""

    foreign = True

    def __init__(self, command: str, host: str = _HERE, entering: Sequence[str] = ()) -> None:
        self.name = f"bombardier {BOMBARDIER.partition('@v')[2]}"
        self._command = (*entering, command)
        self._host = host

    def run(self, port: int, request: bytes, body: bytes, seconds: float, threads: int = 1) -> Load:
        """See Generator; it has no threads of its own, and runs for a second at least."""
        with _parts(request) as (path, headers, file):
            said = _said(
                *self._command,
                *("--connections", str(CONNECTIONS), "--duration", f"{max(seconds, 1):.1f}s"),
                *("--method", "POST", "--body-file", str(file), "--latencies"),
                *("--timeout", f"{PATIENCE_SECONDS:g}s"),
                *("--print", "result", "--format", "json"),
                *(f"--header={key}: {value}" for key, value in headers.items()),
                f"http://{self._host}:{port}{path}",
                environment={"GOMAXPROCS": str(threads)},
            )
        try:
            found: dict[str, Any] = json.loads(said)["result"]
            tails = found["latency"]["percentiles"]
            p50, p99 = float(tails["50"]), float(tails["99"])
        except (ValueError, KeyError) as error:
            raise WrongAnswerError(f"{self.name} said: {said[-200:]!r}") from error
        answers = found["req2xx"]
        wrong = sum(found[f"req{kind}xx"] for kind in (1, 3, 4, 5))
        _check(self.name, answers, wrong, found["others"])
        return Load(answers / found["timeTakenSeconds"], p50 / 1e6, p99 / 1e6, answers)


class Own:
    """Ours, which compares every answer and polls without sleeping."""

    name = "this project's own generator"
    foreign = False

    def run(self, port: int, request: bytes, body: bytes, seconds: float, threads: int = 1) -> Load:
        """See Generator; it sleeps where several threads would be asked for."""
        return load.run(port, request, body, seconds, sleeping=threads > 1)


def find() -> Generator:
    """The best there is: wrk where it is installed, bombardier where Go can build it, ours."""
    return elsewhere(_HERE) or Own()


def elsewhere(host: str, entering: Sequence[str] = ()) -> Generator | None:
    """One of the others', for another address, run by another command; None where there is none."""
    if command := shutil.which("wrk"):
        return Wrk(command, host, entering)
    built = go_program(BOMBARDIER)
    return Bombardier(str(built), host, entering) if built else None


def go_program(package: str) -> Path | None:
    """A Go command in the cache; None where there is no Go, or no way to the module.

    Args:
        package: Its path and version, as `go install` takes them.
    """
    path, _, version = package.partition("@")
    name = path.rpartition("/")[2]
    folder = cache() / f"{name}-{version}"
    command = folder / name
    go = shutil.which("go")
    if command.exists() or go is None:
        return command if command.exists() else None
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".draft-") as draft:
        try:
            subprocess.run(
                [go, "install", package],
                env={**os.environ, "GOBIN": draft, "GOFLAGS": "-modcacherw"},
                capture_output=True,
                timeout=_BUILD_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        folder.mkdir(exist_ok=True)
        Path(draft, name).replace(command)
    return command


@contextmanager
def _parts(request: bytes) -> Iterator[tuple[str, dict[str, str], Path]]:
    """(path, headers, file with the body) of a whole request; generators add the rest."""
    path, headers, body = bodies.parts(request)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        yield path, headers, Path(file.name)


def _said(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout)[-200:]
        raise WrongAnswerError(f"{command[0]} ended with {done.returncode}: {said!r}")
    return done.stdout


def _check(name: str, answers: float, wrong: float, broken: float) -> None:
    if wrong or broken or not answers:
        raise WrongAnswerError(
            f"{name} got {answers:.0f} answers, {wrong:.0f} of them not good,"
            f" and {broken:.0f} connections broke off"
        )
