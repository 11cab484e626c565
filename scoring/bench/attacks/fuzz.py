"""One target under libFuzzer: `python -m scoring.bench.attacks.fuzz TARGET OPTION ... FOLDER ...`.

Guided by coverage (atheris). What it finds it writes into the first folder; an input that breaks a
target ends it with another exit code than 0 and is written into a file.
"""

from __future__ import annotations

import shlex
import sys

import atheris

with atheris.instrument_imports(include=["scoring.http", "scoring.routes"]):  # pyright: ignore[reportAttributeAccessIssue]
    from scoring.bench.attacks.fuzz_targets import TARGETS

if __name__ == "__main__":
    name = sys.argv.pop(1)
    # To merge, libFuzzer starts its own command again, by a shell.
    sys.argv[0] = f"{shlex.quote(sys.executable)} -m scoring.bench.attacks.fuzz {name}"
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()
