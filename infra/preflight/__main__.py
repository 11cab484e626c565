"""Starts the command."""

from scoring.packages import packages_of

with packages_of("infra/requirements.txt"):
    from infra.preflight.cli import app

    if __name__ == "__main__":
        app(prog_name="python -m infra.preflight")
