"""Bodies within the limits that cost more to read than to send: millions of nothing, faults last.

Of the largest body that the service takes: at most four times its size in memory, half a second of
processor time before a refusal, and no other client waits longer than for one large good request.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from scoring.bench.attacks.arena import Arena, Attack, Cost, Figure, post
from scoring.bench.faults import FaultError

LARGEST = 16 << 20
"""Bytes of the largest body by default."""

CPU_SECONDS, ANSWER_SECONDS, SIZES = 0.5, 1.0, 4
WAIT = 1.5
"""Large good requests: one, and half of it for the noise between two measurements of the same."""

FEATURES = 784
MOST_ROWS = 5349
"""Of 784 values as float64, by default: two times the largest body."""

BEYOND = 1 << 24
"""Numbers in a list that simdjson takes for one less than they are."""

_SCRIPT = "def init(): pass\ndef run(raw_data): return '1'\n"
_ALL_RAW = [
    {"name": name, "parameters": {"binary_data": True}} for name in ("predict", "predict_proba")
]


def heavy(
    name: str,
    body: Callable[[], bytes],
    statuses: tuple[int, ...] = (400, 413),
    *,
    headers: tuple[tuple[str, str], ...] = (),
    cpu: float = CPU_SECONDS,
    script: str = "",
) -> Attack:
    """One such body: sent once as it is, and once zipped, which is some kilobytes.

    What its name calls `infer` goes to the model's tensors, the rest to `/score`.
    """

    def measure(arena: Arena) -> list[Figure]:
        content = body()
        if len(content) > LARGEST:
            raise ValueError(f"{name} has {len(content)} bytes, which are refused unread")
        path = arena.infer if name.startswith("infer") else "/score"
        zipped = post(path, gzip.compress(content, 1), ("content-encoding", "gzip"), *headers)
        costs = [arena.cost([request]) for request in (post(path, content, *headers), zipped)]
        for cost in costs:
            cost.check(*statuses)
        return figures(costs, arena, cpu)

    return Attack(name, 2, measure, script=script)


def raw(
    name: str, rows: int, kind: str, itemsize: int, outputs: list[Any], *statuses: int
) -> Attack:
    """Rows of raw zeros, and what is asked of them."""
    size = rows * FEATURES * itemsize
    tensor: dict[str, Any] = {"name": "input", "datatype": kind, "shape": [rows, FEATURES]}
    tensor["parameters"] = {"binary_data_size": size}
    head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    headers = (
        ("inference-header-content-length", str(len(head))),
        ("content-type", "application/octet-stream"),
    )
    cpu = ANSWER_SECONDS if 200 in statuses else CPU_SECONDS
    return heavy(name, lambda: head + bytes(size), statuses, headers=headers, cpu=cpu)


def figures(costs: list[Cost], arena: Arena, cpu: float = CPU_SECONDS) -> list[Figure]:
    """The worst of several costs."""
    wait = max(cost.wait for cost in costs) / arena.large
    return [
        Figure("cpu", max(cost.cpu for cost in costs), cpu, "s"),
        Figure("memory", max(cost.memory for cost in costs) / LARGEST, SIZES, "bodies"),
        Figure("another's wait", wait, WAIT, "large requests"),
    ]


def large_request(arena: Arena) -> float:
    """What the costliest good request costs: all the numbers that a body has room for."""
    request = post(arena.infer, _numbers())
    return max(arena.cost([request]).cpu for _ in range(3))


def filled(before: str, piece: str, after: str) -> bytes:
    """As many pieces as there is room for, the last one without its comma."""
    count = (LARGEST - len(before.encode()) - len(after)) // len(piece)
    return f"{before}{(piece * count).rstrip(',')}{after}".encode()


def _tensor(rows: int, kind: str = "FP64") -> str:
    return (
        f'{{"inputs": [{{"name": "input", "datatype": "{kind}", "shape": [{rows}, {FEATURES}],'
        ' "data": '
    )


def _rows(row: str, count: int) -> bytes:
    """`/score` with the same row again and again."""
    return f'{{"data": [{",".join([row] * count)}]}}'.encode()


def _tensor_rows(row: str, count: int) -> bytes:
    """The same as a tensor."""
    return f"{_tensor(count)}[{','.join([row] * count)}]}}]}}".encode()


def _row(first: str, value: str = "0.123456789") -> str:
    return f"[{first},{','.join([value] * (FEATURES - 1))}]"


def rows_of_zeros() -> bytes:
    """As many rows as are taken."""
    return _rows(_row("0", "0"), MOST_ROWS)


def _numbers() -> bytes:
    return filled(_tensor(10_699, "UINT8") + "[", "0," * FEATURES, "]}]}")


def _keys(before: str, after: str) -> bytes:
    keys = ",".join(f'"{number:x}":0' for number in range(1_000_000))
    return f"{before}{{{keys}}}{after}".encode()


def _head_and_values() -> bytes:
    head = (
        f'{{"inputs": [{{"name": "input", "datatype": "FP64", "shape": [1, {FEATURES}],'
        f' "parameters": {{"binary_data_size": {FEATURES * 8}}}}}], "a": ['
    )
    count = (LARGEST - FEATURES * 8 - len(head) - 4) // 3
    text = f"{head}{'[],' * count}[]]}}".encode()
    return text.ljust(LARGEST - FEATURES * 8) + bytes(FEATURES * 8)


def _beyond_the_counter(arena: Arena) -> list[Figure]:
    """More numbers than simdjson counts, 2**24: where a list of them is made it writes beyond."""
    rows = BEYOND // FEATURES + 1
    numbers = ",".join(["0"] * (rows * FEATURES))
    good = arena.ask(post(arena.infer, f"{_tensor(rows, 'UINT8')}[{numbers}]}}]}}".encode()))
    if good.status != 200 or json.loads(good.body)["outputs"][0]["shape"] != [rows]:
        raise FaultError(f"HTTP {good.status} {good.body[:120]!r}")
    bodies = (
        (arena.infer, f'{{"parameters":{{"a":[{numbers}]}},{_tensor(1)[1:]}[0]}}]}}'),
        (arena.infer, f'{{"inputs":[{numbers}]}}'),
        ("/score", f'{{"data":[[{numbers}]]}}'),
        ("/score", f'{{"a":[{numbers}]}}'),
    )
    cost = arena.cost([post(path, body.encode()) for path, body in bodies])
    cost.check(400, 413)
    return [Figure("cpu", cost.cpu / len(bodies), CPU_SECONDS, "s")]


ATTACKS: tuple[Attack, ...] = (
    heavy("infer: empty lists as inputs", lambda: filled('{"inputs":[', "[],", "]}")),
    heavy("infer: objects as inputs", lambda: filled('{"inputs":[', "{},", "]}")),
    heavy("infer: empty lists beside it", lambda: filled('{"a":[', "[],", "]}")),
    heavy("infer: lists in lists", lambda: filled('{"inputs":', "[", "")),
    heavy("infer: a million parameters", lambda: _keys('{"parameters":', "}")),
    heavy("infer: empty lists as values", lambda: filled(_tensor(1) + "[", "[],", "]}]}")),
    # As many values as are wanted, and a list too deep.
    heavy("infer: a list around each value", lambda: _tensor_rows(_row("[0]", "[0]"), 5000)),
    heavy(
        "infer: a list around each value of 1,000 rows",
        lambda: _tensor_rows(_row("[0]", "[0]"), 1000),
    ),
    heavy("infer: zeros", lambda: filled(_tensor(10_000) + "[", "0,", "]}]}")),
    heavy("infer: a trailing byte", lambda: filled(_tensor(10_000) + "[", "0,", "]}]}x")),
    heavy(
        "infer: an integer of 65 bits in each row",
        lambda: _tensor_rows(_row(str(1 << 64)), 1_700),
    ),
    heavy("infer: 1e400 in each row", lambda: _tensor_rows(_row("1e400"), 1_700)),
    heavy(
        "infer: a binary head of 16 MB",
        _head_and_values,
        headers=(("inference-header-content-length", str(LARGEST - FEATURES * 8)),),
    ),
    raw(
        "infer: probabilities of 20,000 rows twice",
        *(20_000, "UINT8", 1, [{"name": "predict_proba"}] * 2, 400, 413),
    ),
    heavy("score: empty lists", lambda: filled('{"data":[', "[],", "]}")),
    heavy("score: objects", lambda: filled('{"data":[', "{},", "]}")),
    heavy("score: lists in lists", lambda: filled('{"data":', "[", "")),
    heavy("score: a million keys", lambda: _keys('{"data":[[1]],"a":', "}")),
    heavy("score: a million keys of its own", lambda: _keys("", "")),
    heavy("score: zeros in one row", lambda: filled('{"data":[[', "0,", "]]}")),
    heavy("score: zeros", lambda: _rows(_row("0", "0"), 10_000)),
    heavy("score: a trailing byte", lambda: _rows(_row("0"), 1_700) + b"x"),
    heavy("score: no end", lambda: _rows(_row("0"), 1_700)[:-2]),
    heavy("score: an integer of 65 bits in each row", lambda: _rows(_row(str(1 << 64)), 1_700)),
    heavy("score: 1e400 in each row", lambda: _rows(_row("1e400"), 1_700)),
    heavy("score: texts", lambda: filled('{"data":[[', '"",', "]]}")),
    heavy("score: one text", lambda: filled('{"data":"', "a", '"}')),
    heavy("score: spaces", lambda: filled("", " ", "")),
    heavy("score: one number", lambda: filled('{"data":[[', "1", "]]}")),
    # The largest that are answered: more than half a second is theirs, more memory is not.
    heavy("score: as many rows as are taken", rows_of_zeros, (200,), cpu=ANSWER_SECONDS),
    heavy(
        "score: probabilities of as many rows as are taken",
        lambda: rows_of_zeros()[:-1] + b', "method": "predict_proba"}',
        (200,),
        cpu=ANSWER_SECONDS,
    ),
    heavy("infer: numbers of 16 MB that are bytes", _numbers, (200,), cpu=ANSWER_SECONDS),
    raw(
        "infer: 20,000 rows of bytes, all that is known of them",
        *(20_000, "UINT8", 1, _ALL_RAW, 200),
    ),
    raw(
        "infer: 5,349 rows of FP32, all that is known of them",
        *(MOST_ROWS, "FP32", 4, _ALL_RAW, 200, 413),
    ),
    heavy("run(): a text of 16 MB", lambda: filled("[", "[],", "]"), (200,), script=_SCRIPT),
    heavy(
        "run(): a text of 16 MB with one character of four bytes",
        lambda: filled('["\U0001f600",', "0,", "]"),
        script=_SCRIPT,
    ),
    Attack(
        "16,777,600 numbers, where the limits are raised",
        5,
        _beyond_the_counter,
        variables={"SCORING_MAX_BODY_BYTES": str(64 << 20), "SCORING_MAX_ROWS": "1000000"},
    ),
)
