"""The autoscaler: more pods under load, fewer after it, and no request lost on the way."""

from __future__ import annotations

import json

from journey.bench_aks import LOW, autoscale, cpu_target
from journey.stand import until
from scoring.bench.callers import Callers
from tests.aks.conftest import Deployed

# Requests that cost a pod more than their caller, which a busy machine leaves few cores.
ROWS = 300


def test_load_brings_pods_and_quiet_takes_them_away_without_losing_a_request(
    deployed: Deployed,
) -> None:
    stand = deployed.stand
    autoscale(stand, metrics=cpu_target(LOW))
    try:
        request = json.loads(deployed.body)
        many = json.dumps({"data": request["data"] * ROWS}).encode()
        with deployed.load(callers=1) as light:
            with Callers(deployed.uri, many, callers=8, pause=0.0) as heavy:
                until(lambda: len(stand.ready()) > 2, 400)
            until(lambda: len(stand.pods()) == 2, 400)
            light.wait(20)
        assert light.failures == []
        assert heavy.failures == []
    finally:
        stand.up()
    # What the autoscaler did is its business: neither a change nor drift.
    stand.inside("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
