"""How many connections the descriptors of a process allow."""

from __future__ import annotations

import contextlib
import resource

# Of every worker: its libraries, pipes, the event loop's own; and refused clients that still read.
SPARE = 64


def connections(wanted: int) -> int:
    """Raise the limit on descriptors where that is allowed; at most `wanted`, at least one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        enough = wanted + 2 * SPARE
        raised = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
        if raised > soft:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, min(wanted, soft - SPARE))
