"""The container's process: everything comes from the environment, so no command line is parsed.

`python -m scoring serve` is the same with options, for people.
"""

from __future__ import annotations

import sys

from scoring.errors import ScoringError
from scoring.process.run import run
from scoring.settings import Settings

if __name__ == "__main__":
    try:
        run(Settings.from_environment())
    except ScoringError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
