"""Memory that all workers and their supervisor share: who is ready, and every worker's counters.

Each worker writes into its own slot only, so nothing is locked. A slot outlives its worker: the one
that takes its place counts on, and Prometheus never sees a counter fall.
"""

from __future__ import annotations

import mmap

# Whole numbers of 8 bytes, each written in one piece: first the board's own, then a slot's.
_OPEN, _DRAINING, _RESTARTS = 0, 1, 2
_HEAD = 8
_SEQUENCE, _READY, _CONNECTIONS, _IN_FLIGHT, _SIZES = 0, 1, 2, 3, 4
_SLOT_HEAD = 8
_NOTE = 32 << 10  # bytes; each slot holds two notes, of which one is being written


class Board:
    """Shared by fork; a worker alone has one for itself."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._slot_size = 8 * _SLOT_HEAD + 2 * _NOTE
        self._memory = mmap.mmap(-1, 8 * _HEAD + workers * self._slot_size)
        self._numbers = memoryview(self._memory).cast("Q")

    # The supervisor's side

    @property
    def open(self) -> bool:
        """All workers have been ready: the service may say so."""
        return bool(self._numbers[_OPEN])

    @property
    def draining(self) -> bool:
        """The service was told to end."""
        return bool(self._numbers[_DRAINING])

    @property
    def restarts(self) -> int:
        """Workers that were started in place of one that had ended."""
        return self._numbers[_RESTARTS]

    def set_open(self) -> None:
        """Say that all workers are ready."""
        self._numbers[_OPEN] = 1

    def set_draining(self) -> None:
        """Say that the service ends."""
        self._numbers[_DRAINING] = 1

    def vacate(self, worker: int) -> None:
        """A worker ended: it holds no connections, and its counters stay."""
        for field in (_READY, _CONNECTIONS, _IN_FLIGHT):
            self._numbers[self._at(worker) + field] = 0

    def count_restart(self) -> None:
        """Another worker took a place."""
        self._numbers[_RESTARTS] += 1

    def ready(self, worker: int) -> bool:
        """Whether a worker answers requests."""
        return bool(self._numbers[self._at(worker) + _READY])

    # A worker's side

    def set_ready(self, worker: int) -> None:
        """Say that a worker answers requests."""
        self._numbers[self._at(worker) + _READY] = 1

    def hold(self, worker: int, connections: int) -> None:
        """Publish how many connections a worker has, which decides who takes the next."""
        self._numbers[self._at(worker) + _CONNECTIONS] = connections

    def gauge(self, worker: int, connections: int, in_flight: int) -> None:
        """Publish what a worker holds now."""
        at = self._at(worker)
        self._numbers[at + _CONNECTIONS] = connections
        self._numbers[at + _IN_FLIGHT] = in_flight

    def gauges(self) -> tuple[int, int]:
        """Connections and requests in flight, of all workers."""
        places = [self._at(worker) for worker in range(self.workers)]
        return (
            sum(self._numbers[at + _CONNECTIONS] for at in places),
            sum(self._numbers[at + _IN_FLIGHT] for at in places),
        )

    def crowded(self, worker: int) -> bool:
        """Another worker that is ready holds fewer connections."""
        own = self._numbers[self._at(worker) + _CONNECTIONS]
        return any(
            self._numbers[self._at(other) + _CONNECTIONS] < own and self.ready(other)
            for other in range(self.workers)
        )

    def publish(self, worker: int, note: bytes) -> None:
        """Replace a worker's note; readers see the old one or the new one, never half of each."""
        if len(note) > _NOTE:
            raise ValueError(f"a note of {len(note)} bytes is longer than {_NOTE}")
        at = self._at(worker)
        sequence = self._numbers[at + _SEQUENCE] + 1
        place = self._note_at(worker, sequence)
        self._memory[place : place + len(note)] = note
        self._numbers[at + _SIZES + sequence % 2] = len(note)
        self._numbers[at + _SEQUENCE] = sequence

    def note(self, worker: int) -> bytes:
        """A worker's last note; empty before the first."""
        at = self._at(worker)
        while True:
            sequence = self._numbers[at + _SEQUENCE]
            place = self._note_at(worker, sequence)
            note = self._memory[place : place + self._numbers[at + _SIZES + sequence % 2]]
            if self._numbers[at + _SEQUENCE] == sequence:
                return note

    def _at(self, worker: int) -> int:
        return _HEAD + worker * self._slot_size // 8

    def _note_at(self, worker: int, sequence: int) -> int:
        return 8 * (self._at(worker) + _SLOT_HEAD) + sequence % 2 * _NOTE
