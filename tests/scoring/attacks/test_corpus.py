"""What the fuzzer has found, and what it begins with: every input holds what its target asks."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.bench.attacks.fuzz_targets import CORPUS, TARGETS
from scoring.http.reader import RequestReader
from scoring.routes.json_pieces import ListReader

INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())
MOST_BYTES = 200_000


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_that_was_kept_holds(target: str):
    inputs = [path for path in INPUTS if path.parent.name == target]
    assert len(inputs) >= 7
    for path in inputs:
        try:
            TARGETS[target](path.read_bytes())
        except Exception as error:
            pytest.fail(f"{path.name}: {type(error).__name__}: {error}")


def test_the_corpus_is_small_and_has_no_folder_of_an_unknown_target():
    assert {path.parent.name for path in INPUTS} == set(TARGETS)
    assert sum(path.stat().st_size for path in INPUTS) < MOST_BYTES


def test_the_targets_notice_a_wrong_answer(monkeypatch: pytest.MonkeyPatch):
    """A mutant of what is fuzzed dies: else ten minutes without a find would say nothing."""
    row = b'{"data": [[1, 2, 3]]}'
    request = b"\x00GET /ready HTTP/1.1\r\nhost: x\r\n\r\n"
    TARGETS["score"](row)
    TARGETS["connection"](request)

    def read(_: object, *arguments: Any) -> None:
        arguments[3][:] = 0

    def on_url(self: Any, url: bytes) -> None:
        self._target = url

    monkeypatch.setattr(ListReader, "read", read)
    with pytest.raises(AssertionError, match="in pieces"):
        TARGETS["score"](row)
    monkeypatch.setattr(RequestReader, "on_url", on_url)
    with pytest.raises(AssertionError, match="in pieces of 1"):
        TARGETS["connection"](request)
