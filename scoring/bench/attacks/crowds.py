"""Many hostile clients at once, against the memory that the container is declared with."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import socket
import threading
import time
from functools import partial

from scoring.bench import servers
from scoring.bench.attacks import heavy_bodies
from scoring.bench.attacks.arena import ALIVE, Arena, Attack, Cost, Figure, post
from scoring.bench.attacks.heavy_bodies import FEATURES, LARGEST, WAIT, filled

CLIENTS = 64
DECLARED_MB = 1000
"""The container's memory by default, `memoryGb` of the stack."""

MOST_BODIES = 6
SOAK_SECONDS = 120.0
_LIMITS = {
    "/sys/fs/cgroup/memory": {"memory.limit_in_bytes": f"{DECLARED_MB}000000"},
    "/sys/fs/cgroup": {"memory.max": f"{DECLARED_MB}000000"},
}


def _heavy(arena: Arena) -> list[bytes]:
    """Some kilobytes each, many megabytes unzipped."""
    zipped = ("content-encoding", "gzip")
    bodies = (
        (arena.infer, filled('{"inputs":[', "[],", "]}")),
        ("/score", filled('{"data":[', "[],", "]}")),
        ("/score", filled("", " ", "")),
        ("/score", heavy_bodies.rows_of_zeros()),
        (arena.infer, filled('{"parameters":{"a":[', "{},", "]}")),
    )
    return [post(path, gzip.compress(body, 1), zipped) for path, body in bodies]


def _at_once(arena: Arena) -> list[Figure]:
    requests = list(itertools.islice(itertools.cycle(_heavy(arena)), CLIENTS))
    cost = arena.cost(requests, at_once=True)
    cost.check(200, 400, 413, 503)
    # Their bodies wait zipped, and one at a time is read.
    more = Figure("memory beyond a service at rest", cost.memory / LARGEST, MOST_BODIES, "bodies")
    return [_memory(arena), more, _wait(arena, cost)]


def _unread_by(clients: int, arena: Arena) -> list[Figure]:
    """Answers of megabytes that nobody reads, for a request of some kilobytes."""
    row = f"[{','.join(['0'] * FEATURES)}]"
    body = f'{{"data":[{",".join([row] * 5000)}],"method":"predict_proba"}}'
    request = post("/score", gzip.compress(body.encode(), 1), ("content-encoding", "gzip"))
    with contextlib.ExitStack() as open_sockets:
        held: list[socket.socket] = []
        for _ in range(clients):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", arena.port))
            open_sockets.enter_context(client)
            held.append(client)
            client.sendall(request)
        cost = arena.cost([ALIVE] * 40)
        cost.check(200)
        return [_memory(arena), _wait(arena, cost)]


def _soak(arena: Arena) -> list[Figure]:
    """All of it for minutes, in a group of the declared memory where this user may make one."""
    requests = _heavy(arena)
    good = post("/score", json.dumps({"data": [[0.0] * FEATURES]}).encode())
    expected = arena.ask(good).body
    end = threading.Event()
    waits, wrong, resident = [0.0], [0], [0.0]
    pids = [process.pid for process in arena.running.tree()]

    def attack(number: int) -> None:
        for request in itertools.islice(itertools.cycle(requests), number, None):
            if end.is_set():
                return
            arena.ask(request)

    def ask() -> None:
        while not end.wait(0.02):
            begin = time.monotonic()
            answer = arena.ask(good)
            waits.append(time.monotonic() - begin)
            wrong[0] += (answer.status, answer.body) != (200, expected)
            resident[0] = max(resident[0], arena.running.proportional() / 1e6)

    threads = [threading.Thread(target=attack, args=(number,)) for number in range(CLIENTS)]
    threads.append(threading.Thread(target=ask))
    with servers.limited(arena.running, _LIMITS):
        for thread in threads:
            thread.start()
        end.wait(SOAK_SECONDS)
        end.set()
        for thread in threads:
            thread.join()
    died = pids != [process.pid for process in arena.running.tree()]
    return [
        Figure("memory", resident[0], DECLARED_MB, "MB"),
        Figure("processes that died", died, 0),
        Figure("good requests not answered", wrong[0], 0),
        Figure("good requests answered fewer than", 100 - len(waits), 0),
    ]


def _wait(arena: Arena, cost: Cost) -> Figure:
    return Figure("another's usual wait", cost.usual / arena.large, WAIT, "large requests")


def _memory(arena: Arena) -> Figure:
    """All processes together, now or at the worker's peak."""
    return Figure("memory", arena.highest() / 1e6, DECLARED_MB, "MB")


ATTACKS: tuple[Attack, ...] = (
    Attack("64 clients, each a zipped body of megabytes", CLIENTS, _at_once),
    Attack("64 clients that read no answer", CLIENTS, partial(_unread_by, CLIENTS)),
    Attack("900 clients that read no answer", 900, partial(_unread_by, 900), slow=True),
    Attack("64 hostile clients for two minutes in 1 GB", CLIENTS, _soak, slow=True),
)
