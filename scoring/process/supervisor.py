"""The workers on one port: started by fork, replaced when one ends, ended together.

The supervisor answers nothing and loads neither numpy nor the model. Signals are blocked in it and
taken one by one, so nothing is interrupted and nothing is missed. Workers share the listener: a
connection that nobody has accepted yet survives the worker that would have.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from scoring.errors import ScoringError, message_of
from scoring.process.descriptors import connections
from scoring.process.log import Log
from scoring.process.scoreboard import Board
from scoring.process.threads import take_one
from scoring.settings import Settings

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
# As many deaths within so many seconds mean that starting again does not help.
MOST_DEATHS, DEATH_SECONDS = 5, 60.0
# How a worker ends by itself: its note says why, or nothing does.
_SAID, _UNSAID = 1, 2


class Supervisor:
    """Starts, watches and ends the workers."""

    def __init__(self, settings: Settings, listener: socket.socket, workers: int) -> None:
        # The limit is the service's; one body must fit into any worker's part of it.
        part = max(settings.max_buffered_bytes // workers, settings.max_body_bytes)
        most = connections(settings.max_connections)
        self._settings = replace(settings, max_buffered_bytes=part, max_connections=most)
        self._listener = listener
        self._board = Board(workers)
        self._places: dict[int, int] = {}  # pid: number
        self._deaths: deque[float] = deque()
        self._log = Log()
        self._lifeline, self._held = os.pipe()

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; a ScoringError says why it could not go on."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for number in range(self._board.workers):
            self._start(number)
        while not self._told_to_end():
            self._look_after()
            if not self._board.open and all(map(self._board.ready, range(self._board.workers))):
                self._board.set_open()
                ready()
        self._end()

    def _told_to_end(self) -> bool:
        """Wait for a signal; a worker's first readiness has none, so it is looked for."""
        found = signal.sigtimedwait(_SIGNALS, 1.0 if self._board.open else 0.002)
        return found is not None and found.si_signo != signal.SIGCHLD

    def _look_after(self) -> None:
        """Replace the workers that ended."""
        for number, pid, status in self._reap():
            if not self._board.open:
                self._end()
                said = self._board.note(number).decode() if status == _SAID else ""
                raise ScoringError(said or f"a worker ended with {status} at its start")
            self._log.event("worker_ended", worker=number, pid=pid, status=status)
            now = time.monotonic()
            self._deaths.append(now)
            while now - self._deaths[0] > DEATH_SECONDS:
                self._deaths.popleft()
            if len(self._deaths) > MOST_DEATHS:
                self._end()
                raise ScoringError(
                    f"{len(self._deaths)} workers ended within {DEATH_SECONDS:g} seconds, the last"
                    f" with {status}; see the lines above"
                )
            self._board.count_restart()
            self._start(number)

    def _reap(self) -> list[tuple[int, int, int]]:
        """(number, pid, exit status) of each worker that ended; orphans are reaped, too."""
        ended = []
        while self._places:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            number = self._places.pop(pid, None)
            if number is not None:
                self._board.vacate(number)
                ended.append((number, pid, os.waitstatus_to_exitcode(status)))
        return ended

    def _start(self, number: int) -> None:
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            self._places[pid] = number
            return
        status = _UNSAID
        try:
            os.close(self._held)
            status = self._work(number)
        finally:
            os._exit(status)  # never back into the supervisor's own frames

    def _work(self, number: int) -> int:
        """A worker's life; returns its exit status."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches all of them at once
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        take_one()
        # Not before: numpy is imported there, and the supervisor needs neither it nor the model.
        from scoring.process.worker import Place, serve

        try:
            serve(self._settings, self._listener, Place(self._board, number, self._lifeline))
        except BaseException as error:
            reason = str(error)
            if not isinstance(error, ScoringError):
                traceback.print_exc()  # nobody above would
                reason = f"a worker failed: {type(error).__name__}: {message_of(error)}"
            if self._board.open:
                sys.stderr.write(f"error: {reason}\n")
            else:
                self._board.publish(number, reason.encode())
            return _SAID
        return 0

    def _end(self) -> None:
        """Let every worker drain; end those that do not."""
        self._board.set_draining()
        self._listener.close()
        for pid in self._places:
            os.kill(pid, signal.SIGTERM)
        limit = time.monotonic() + self._settings.drain_timeout
        while self._places and time.monotonic() < limit:
            signal.sigtimedwait({signal.SIGCHLD}, 0.1)
            self._reap()
        for pid in self._places:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
