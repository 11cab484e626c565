"""Callers that ask all the time, as clients of a service do: is a request lost while it changes?"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 15.0
_FIRST_ANSWER_SECONDS = 60.0


@dataclass
class Callers:
    """Ask all the time, each caller on connections of its own, from entering until left.

    Attributes:
        uri: Where they POST.
        body: What they POST.
        callers: How many.
        keep: Whether they keep their connections, as gateways do; None: every other one does.
        pause: Seconds between a caller's requests.
        key: What they send, if anything.
        right: The only right body of an answer; None: any.
        ending: Whether the service is about to end: who is refused a connection has sent nothing,
            loses nothing, and asks no more.
        answers: How many were 200.
        failures: What went wrong with each of the others, in words.
        last_failure: When the last of them failed, by the monotonic clock; 0 without any.
    """

    uri: str
    body: bytes
    callers: int = 3
    keep: bool | None = None
    pause: float = 0.03
    key: str = ""
    right: bytes | None = None
    ending: bool = False
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    last_failure: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Callers:
        for number in range(self.callers):
            keep = number % 2 == 0 if self.keep is None else self.keep
            thread = threading.Thread(target=self._call, args=(keep,), daemon=True)
            thread.start()
            self._threads.append(thread)
        self.wait(1, _FIRST_ANSWER_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all callers, each after its answer."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * _PATIENCE_SECONDS)

    def wait(self, more: int, seconds: float = 60.0) -> None:
        """Until so many more were answered, or one has failed.

        Raises:
            TimeoutError: Neither happened within the time.
        """
        wanted, end = self.answers + more, time.monotonic() + seconds
        while self.answers < wanted and not self.failures:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.uri}: no {more} answers within {seconds:g} s")
            time.sleep(0.05)

    def _call(self, keep: bool) -> None:
        address = urlsplit(self.uri)
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        connection: http.client.HTTPConnection | None = None
        while not self._over.is_set():
            connection = connection or http.client.HTTPConnection(
                address.hostname or "", address.port, timeout=_PATIENCE_SECONDS
            )
            reason = ""
            try:
                connection.request("POST", address.path, self.body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != http.client.OK or self.right not in (None, text):
                    reason = f"{answer.status} {text[:200]!r}"
                if not keep or answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                if self.ending and isinstance(error, ConnectionRefusedError):
                    return
                reason = repr(error)
                connection.close()
                connection = None
            with self._lock:
                if reason:
                    self.failures.append(reason)
                    self.last_failure = time.monotonic()
                else:
                    self.answers += 1
            self._over.wait(self.pause)
        if connection:
            connection.close()
