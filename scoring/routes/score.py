"""Azure ML's `/score`, and what every protocol needs of the script: arrays in, arrays out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import simdjson
from numpy.typing import NDArray

from scoring.errors import Rejection
from scoring.model.entry import EntryScript
from scoring.routes.json_exact import LONGEST, parse_exactly
from scoring.routes.json_rows import RowReader
from scoring.routes.limits import Limits
from scoring.routes.messages import JSON, Answer, Headers, Request, Response, Route
from scoring.routes.script_thread import ScriptThread, attempt


class Scorer:
    """Calls the script: at once where it is quick, else on its own thread."""

    def __init__(self, script: EntryScript, thread: ScriptThread, identity: Headers) -> None:
        self._script = script
        self._thread = thread
        self.identity = identity  # the header that names the model
        self.methods = script.methods
        self.dtypes = script.dtypes

    def run(self, work: Callable[[], Response], size: int) -> Answer:
        """Do work that calls the script, and holds so many bytes meanwhile."""
        return attempt(work) if self._script.quick else self._thread.run(work, size)

    def score(self, rows: NDArray[Any], method: str) -> NDArray[Any]:
        """Ask the script, which may be slow."""
        run_array = self._script.run_array
        assert run_array is not None  # noqa: S101 (asked only where the script has the hook)
        return np.asarray(run_array(rows, method))

    def text(self, raw_data: str) -> Response:
        """What the script's run() makes of a text: its own JSON as it is, anything else as JSON."""
        try:
            result = self._script.run(raw_data)
        except json.JSONDecodeError as error:
            if len(raw_data) <= LONGEST:
                raise
            # So long a text is not parsed twice: the script is the first to read it.
            raise Rejection(400, "not_json", f"the body is not JSON: {error}") from None
        if isinstance(result, str):
            _check_json(result)
            return Response(result.encode(), headers=self.identity)
        try:
            text = json.dumps(result, allow_nan=False)
        except TypeError as error:
            raise _no_json(f"{error}; return values.tolist() in place of an array") from None
        except ValueError as error:
            raise _no_json(f"{error}; return None in place of NaN and infinity") from None
        return Response(text.encode(), headers=self.identity)


class AzureML:
    """The route `/score`."""

    def __init__(self, scorer: Scorer, limits: Limits) -> None:
        self._scorer = scorer
        self._limits = limits
        self._reader = RowReader(limits, scorer.methods)

    def route(self, *, arrays: bool) -> Route:
        """The route, for a script with run_array() or for one with run() alone."""
        handler = self._arrays if arrays else self._text
        return Route("score", "POST", handler, scores=True, media_types=(JSON,))

    def _arrays(self, request: Request) -> Answer:
        rows, method = self._reader.read(request.body)
        request.body = b""
        request.rows = len(rows)
        self._limits.check_answer(len(rows), (method,))
        return self._scorer.run(lambda: self._answer(rows, method), rows.nbytes)

    def _answer(self, rows: NDArray[Any], method: str) -> Response:
        values = self._scorer.score(rows, method)
        if values.dtype.kind in "iu":
            body = str(values.tolist()).encode()  # a list of integers reads the same as JSON
        else:
            body = json.dumps(plain(values), allow_nan=False).encode()
        return Response(body, headers=self._scorer.identity)

    def _text(self, request: Request) -> Answer:
        """For a script without run_array(): the text goes through, if it is JSON.

        One that is too long for Python's parser is left to the script's own.
        """
        body = request.body
        if len(body) <= LONGEST:
            parse_exactly(bytes(body))
        else:
            self._limits.check_text(body)
        try:
            text = str(body, "utf-8")
        except UnicodeDecodeError as error:
            message = f"the body is not UTF-8: byte {error.start} is wrong"
            raise Rejection(400, "not_utf8", message) from None
        request.body = b""
        return self._scorer.run(lambda: self._scorer.text(text), len(text))


def _check_json(text: str) -> None:
    """A script's text goes out as JSON: one that is none would be refused by every client."""
    if len(text) > LONGEST:
        return
    try:
        simdjson.Parser().parse(text.encode())
    except (ValueError, RuntimeError):
        try:
            parse_exactly(text.encode())  # integers beyond 64 bits are JSON
        except Rejection as rejection:
            why = rejection.message.removeprefix("the body ")
            raise _no_json(f"its text {why}; return json.dumps(values.tolist())") from None


def _no_json(why: str) -> Rejection:
    return Rejection(500, "script_failed", f"the answer of the script's run() is no JSON: {why}")


def plain(values: NDArray[Any]) -> list[Any]:
    """Values as JSON has them: what is not finite, as a probability of 0/0, is null."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        objects = values.astype(object)
        objects[~np.isfinite(values)] = None
        return objects.tolist()
    return values.tolist()
