"""Entry of `python -m local_azure`."""

import sys

try:
    from local_azure.cli import app
except ModuleNotFoundError as error:
    sys.exit(
        f"error: this Python has no {error.name}; activate .venv, which make setup makes, or"
        " install it: pip install --require-hashes -r requirements.txt"
    )

if __name__ == "__main__":
    app(prog_name="python -m local_azure")
