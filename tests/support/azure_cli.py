"""azure-cli, unmodified, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

from local_azure.arm.subscriptions import TENANT
from tests.support import environments

LOCK = Path(__file__).with_name("azure-cli.txt")
LOGIN = f"""az cloud set --name LocalAzure
az login --service-principal --tenant {TENANT} --username "$AZURE_CLIENT_ID" \\
  --password "$AZURE_CLIENT_SECRET"
"""
"""Signs in with what a command against the stand-in gets."""


def installed() -> Path:
    """The program `az`, installed once for its lock file into the user's cache."""
    return environments.installed(LOCK) / "az"


def settings(folder: Path) -> dict[str, str]:
    """What keeps it from the user's own login, from reports home, and from asking Microsoft."""
    return {
        "AZURE_CONFIG_DIR": str(folder),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_NO_COLOR": "yes",
        # Else it asks Microsoft whether the authority is one.
        "AZURE_CORE_INSTANCE_DISCOVERY": "no",
    }
