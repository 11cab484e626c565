"""`python -m scoring`."""

import sys

try:
    from scoring.cli import app
except ModuleNotFoundError as error:
    sys.exit(
        f"error: this Python has no {error.name}; run `make setup` once, then: "
        ".venv/bin/python -m scoring"
    )

if __name__ == "__main__":
    app(prog_name="python -m scoring")
