"""`python -m journey`."""

from scoring.packages import packages_of

with packages_of("requirements.txt"):
    from journey.cli import app, main

    if __name__ == "__main__":
        main()

__all__ = ["app"]
