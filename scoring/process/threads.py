"""One thread for each library of a worker, which has one core for itself.

The cores that a container sees are often more than its quota, and threads that wait for each other
make a batch many times slower. Libraries read these variables once, when they are imported: call
this before. Who sets a variable, decides.
"""

from __future__ import annotations

import os

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def take_one() -> None:
    """Set what is not set."""
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")
