"""Starts the command."""

import sys

try:
    from infra.review.cli import app
except ModuleNotFoundError as error:
    sys.exit(
        f"error: this Python has no {error.name}; run `make setup` once, then: "
        ".venv/bin/python -m infra.review"
    )

if __name__ == "__main__":
    app(prog_name="python -m infra.review")
