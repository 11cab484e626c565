"""Entry of `python -m local_azure`."""

from local_azure.cli import app

if __name__ == "__main__":
    app(prog_name="python -m local_azure")
