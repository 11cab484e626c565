"""Azure ML's `/score`, and what every protocol needs of the script: arrays in, arrays out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.model.entry import EntryScript
from scoring.routes.json_rows import RowReader, parse_exactly
from scoring.routes.messages import JSON, Answer, Headers, Request, Response, Route
from scoring.routes.script_thread import ScriptThread


class Scorer:
    """Calls the script: at once where it is quick, else on its own thread."""

    def __init__(self, script: EntryScript, thread: ScriptThread, identity: Headers) -> None:
        self._script = script
        self._thread = thread
        self.identity = identity  # the header that names the model
        self.methods = script.methods
        self.dtypes = script.dtypes

    def run(self, work: Callable[[], Response]) -> Answer:
        """Do work that calls the script."""
        return work() if self._script.quick else self._thread.run(work)

    def score(self, rows: NDArray[Any], method: str) -> NDArray[Any]:
        """Ask the script, which may be slow."""
        run_array = self._script.run_array
        assert run_array is not None  # noqa: S101 (asked only where the script has the hook)
        return np.asarray(run_array(rows, method))

    def text(self, raw_data: str) -> Response:
        """What the script's run() makes of a text: its own JSON as it is, anything else as JSON."""
        result = self._script.run(raw_data)
        text = result if isinstance(result, str) else json.dumps(result)
        return Response(text.encode(), headers=self.identity)


class AzureML:
    """The route `/score`."""

    def __init__(self, scorer: Scorer, reader: RowReader) -> None:
        self._scorer = scorer
        self._reader = reader

    def route(self, *, arrays: bool) -> Route:
        """The route, for a script with run_array() or for one with run() alone."""
        handler = self._arrays if arrays else self._text
        return Route("score", "POST", handler, scores=True, media_types=(JSON,))

    def _arrays(self, request: Request) -> Answer:
        rows, method = self._reader.read(request.body)
        request.body = b""
        request.rows = len(rows)
        return self._scorer.run(lambda: self._answer(rows, method))

    def _answer(self, rows: NDArray[Any], method: str) -> Response:
        values = self._scorer.score(rows, method)
        if values.dtype.kind in "iu":
            body = str(values.tolist()).encode()  # a list of integers reads the same as JSON
        else:
            body = json.dumps(plain(values), allow_nan=False).encode()
        return Response(body, headers=self._scorer.identity)

    def _text(self, request: Request) -> Answer:
        """For a script without run_array(): the text goes through, if it is JSON."""
        body = bytes(request.body)
        parse_exactly(body)
        text = body.decode("utf-8")
        return self._scorer.run(lambda: self._scorer.text(text))


def plain(values: NDArray[Any]) -> list[Any]:
    """Values as JSON has them: what is not finite, as a probability of 0/0, is null."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        objects = values.astype(object)
        objects[~np.isfinite(values)] = None
        return objects.tolist()
    return values.tolist()
