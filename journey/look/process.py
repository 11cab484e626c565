"""The page's server as a detached process: started, found again and stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import psutil

from local_azure.process import Running

STOP_SECONDS = 5.0
_SERVER = Path(__file__).with_name("server.py")


def start(state: Path, out: Path, root: Path, uri: str, key: str) -> str:
    """Serve the pages; one that serves the same for the same endpoint already goes on.

    The address is bound here, so nothing is waited for: a browser that is faster waits by itself.

    Args:
        state: The stand-in's state folder.
        out: The folder with the pages.
        root: The checkout.
        uri: The scoring URI.
        key: What the endpoint asks for; empty for nothing.

    Returns:
        The origin, or empty where no address can be had.
    """
    noted = _noted(state)
    code = _SERVER.read_text(encoding="utf-8")  # an older one may know less than the page asks
    basis = hashlib.sha256("\0".join((uri, key, str(out), code)).encode()).hexdigest()
    running = Running.read(noted)
    if running and running.keys == basis and running.process():
        return running.url
    stop(state)
    try:
        listener = _listener(_port(running))
    except OSError:
        return ""
    with listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = {
            "descriptor": listener.fileno(),
            "out": str(out),
            "origin": origin,
            "uri": uri,
            "noted": str(noted),
            "stand_in": str(state / "server.json"),
        }
        log = state / "logs" / "look.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as written:
            # In a session of its own, so that no Ctrl-C of a later command reaches it.
            process = subprocess.Popen(
                [sys.executable, "-m", "journey.look.server"],
                cwd=root,
                env={**os.environ, "LOOK": json.dumps(settings), "SCORING_KEY": key},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
    created = psutil.Process(process.pid).create_time()
    noted.write_text(json.dumps(asdict(Running(process.pid, created, origin, basis))), "utf-8")
    # It outlives this command: nobody waits for it.
    process.returncode = 0
    return origin


def address(state: Path) -> str:
    """Where the pages are served; empty for nowhere."""
    running = Running.read(_noted(state))
    return running.url if running and running.process() else ""


def stop(state: Path) -> None:
    """End the server, if one runs on the state folder."""
    noted = _noted(state)
    running = Running.read(noted)
    noted.unlink(missing_ok=True)
    if not running or not (process := running.process()):
        return
    for end in (process.terminate, process.kill):
        with contextlib.suppress(psutil.NoSuchProcess):
            end()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return


def _listener(port: int) -> socket.socket:
    """A socket on the last port, so that an open page goes on, or on any."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=64)
    except OSError:
        return socket.create_server(("127.0.0.1", 0), backlog=64)


def _port(running: Running | None) -> int:
    try:
        return int(running.url.rpartition(":")[2]) if running else 0
    except ValueError:
        return 0


def _noted(state: Path) -> Path:
    return state / "look.json"
