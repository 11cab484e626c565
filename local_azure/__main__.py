"""`python -m local_azure`."""

from local_azure.cli import app

app(prog_name="python -m local_azure")
