"""`/metrics`, read by Prometheus' own parser."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scoring.manifest import Manifest
from scoring.process.metrics import Metrics
from scoring.process.scoreboard import Board


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(server: Any) -> Any:
    """The samples of a server now."""

    def read() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        answer = server.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return samples(answer.text)

    return read


def test_requests_rows_errors_and_latency_are_counted(server, scrape):
    def number(found, name, **labels):
        return found.get((name, tuple(sorted(labels.items()))), 0)

    before = scrape()
    assert server.score({"data": [[0.0] * 784] * 3}).status_code == 200
    assert server.score({"data": []}).status_code == 400
    assert server.client.get("/nowhere").status_code == 404
    after = scrape()

    def grown(name, **labels):
        return number(after, name, **labels) - number(before, name, **labels)

    assert grown("scoring_requests_total", route="score", status="200") == 1
    assert grown("scoring_requests_total", route="score", status="400") == 1
    assert grown("scoring_requests_total", route="", status="404") == 1
    assert grown("scoring_errors_total", kind="no_rows") == 1
    assert grown("scoring_rows_total") == 3
    assert grown("scoring_latency_seconds_count") == 1
    assert grown("scoring_latency_seconds_bucket", le="+Inf") == 1
    assert 0 < grown("scoring_latency_seconds_sum") < 1
    assert number(after, "scoring_requests_in_flight") == 1  # the scrape itself
    assert number(after, "scoring_connections") >= 1


def test_the_model_is_named(scrape, model_dir):
    manifest = Manifest.read(model_dir)
    labels = {
        "name": manifest.name,
        "version": manifest.version,
        "sha256": manifest.sha256,
    }
    assert scrape()["scoring_model_info", tuple(sorted(labels.items()))] == 1


def test_any_name_is_escaped_and_buckets_only_grow(model_dir):
    manifest = Manifest.read(model_dir)
    odd = Manifest(
        **{
            **{name: getattr(manifest, name) for name in Manifest.__dataclass_fields__},
            "name": 'a "b" \\ \n c',
        }
    )
    metrics = Metrics(odd, Board())
    for seconds in (0.0001, 0.0002, 1.0, 1e6):
        metrics.scored(1, seconds)
    found = samples(metrics.render().decode())
    (name,) = [dict(labels)["name"] for key, labels in found if key == "scoring_model_info"]
    assert name == odd.name
    buckets = [
        (float(dict(labels)["le"]), value)
        for (key, labels), value in found.items()
        if key == "scoring_latency_seconds_bucket"
    ]
    counts = [value for _, value in sorted(buckets)]
    assert (counts[0], counts[-1]) == (1, 4)
    assert counts == sorted(counts)
