"""Starts the command."""

import sys

try:
    from infra.drift.cli import app
except ModuleNotFoundError as error:
    sys.exit(
        f"error: this Python has no {error.name}; run `make setup` once, then: "
        ".venv/bin/python -m infra.drift"
    )

if __name__ == "__main__":
    app(prog_name="python -m infra.drift")
