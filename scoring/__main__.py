"""`python -m scoring`."""

from scoring.packages import packages_of

with packages_of("requirements.txt"):
    from scoring.cli import app

    if __name__ == "__main__":
        app(prog_name="python -m scoring")
