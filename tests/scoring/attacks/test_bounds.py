"""Every known attack that takes seconds, against the bounds that the service promises.

Each is done on a service of its own with the image's defaults: what it costs in processor time and
memory at the most, and how much the worker does while another client waits. No figure is time by
the clock, which a busy machine stretches.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import Settings as StackSettings
from scoring.bench.attacks.arena import Attack, Outcome, arena
from scoring.bench.attacks.crowds import DECLARED_MB
from scoring.bench.attacks.heavy_bodies import LARGEST, MOST_ROWS, large_request
from scoring.bench.attacks.table import ATTACKS, attack
from scoring.manifest import Manifest
from scoring.routes.limits import BODY_SIZES, Limits
from scoring.settings import Settings

AT_REST = 120_000_000
"""Bytes of a service with one worker that has answered nothing yet, supervisor and all."""


def described(outcome: Outcome) -> str:
    figures = [
        f"{figure.name} {figure.value:.3g} of {figure.bound:g} {figure.unit}"
        for figure in outcome.figures
        if not figure.held
    ]
    return outcome.problem or ", ".join(figures)


@pytest.fixture(scope="module")
def large(model_dir: Path) -> float:
    with arena(model_dir) as target:
        return large_request(target)


@pytest.mark.parametrize(
    "one", [each for each in ATTACKS if not each.slow], ids=lambda each: each.name
)
def test_it_costs_no_more_than_is_promised(one: Attack, model_dir: Path, large: float):
    outcome = attack(one, model_dir, large)
    assert outcome.held, described(outcome)


def test_the_defaults_fit_the_memory_that_the_container_is_declared_with(model_dir: Path):
    """A worker a core: what it rests on, what arrives, what waits, and one request at its worst."""
    settings = Settings(model_dir=model_dir)
    workers = max(1, int(StackSettings.cpu))
    needed = (
        workers * AT_REST
        + settings.max_buffered_bytes  # bodies that arrive, answers that nobody reads
        + settings.max_buffered_bytes  # rows that wait for a slow script
        + workers * BODY_SIZES * settings.max_body_bytes
    )
    assert needed < 0.75 * StackSettings.memory_gb * 1e9
    assert StackSettings.memory_gb * 1000 == DECLARED_MB
    assert settings.max_body_bytes == LARGEST
    limits = Limits.of(settings, Manifest.read(model_dir))
    assert limits.most_rows(8) == MOST_ROWS
    assert limits.most_rows(1) == settings.max_rows  # raw bytes, as pixels are


def test_a_service_at_rest_needs_what_the_defaults_are_computed_with(model_dir: Path):
    with arena(model_dir) as target:
        assert target.highest() < AT_REST
