"""Starts the command."""

from scoring.packages import packages_of

with packages_of("infra/requirements.txt"):
    from infra.review.cli import app

    if __name__ == "__main__":
        app(prog_name="python -m infra.review")
