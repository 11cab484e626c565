"""`python -m journey`."""

import sys

try:
    from journey.cli import app, main
except ModuleNotFoundError as error:
    sys.exit(
        f"error: this Python has no {error.name}; run `make setup` once, then: "
        ".venv/bin/python -m journey"
    )

__all__ = ["app"]

if __name__ == "__main__":
    main()
