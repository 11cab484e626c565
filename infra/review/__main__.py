"""Starts the command."""

from infra.review.cli import app

if __name__ == "__main__":
    app(prog_name="python -m infra.review")
