"""The bench of the local Kubernetes says what it measured; `make bench-aks` measures it."""

from __future__ import annotations

from journey import bench_aks
from journey.bench_aks import Change, Found
from journey.simulated_nodes import Scheduled
from scoring.bench.load import Load


def test_nothing_measured_is_no_table() -> None:
    assert bench_aks.markdown(Found()).strip() == ""


def test_what_was_measured_is_in_tables() -> None:
    found = Found(
        load="wrk",
        rates={"2 30": Load(1234.5, 0.0012, 0.0345, 9)},
        changes=[
            Change("a roll-out", 12.34, 1200, []),
            Change("a killed node", 50, 9, ["reset"], 4),
        ],
        simulated=[Scheduled(5000, 90.4, 1, 2, 50, 130.2, 4999)],
    )
    text = bench_aks.markdown(found)
    assert "| 2 | 30 | 1,234 | 1.2 ms | 34.5 ms |" in text
    assert "| a roll-out | 12.3 | 1,200 | 0 | - |" in text
    assert "| a killed node | 50.0 | 9 | 1 | 4.0 s |" in text
    assert "| 5,000 | 90 s | 1 | 2 | 50 | 130 s | 4,999 |" in text
