"""azure-cli, unmodified, in an environment of its own."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from local_azure import cache

LOCK = Path(__file__).with_name("azure-cli.txt")


def installed() -> Path:
    """The program `az`, installed once for its lock file into the user's cache."""
    name = f"azure-cli-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    folder = cache.folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".complete"
        if not done.exists():
            uv = Path(sys.executable).parent / "uv"
            python = folder / "bin" / "python"
            for command in (
                ["venv", "--clear", "--python", sys.executable, folder],
                ["pip", "sync", "--require-hashes", "--python", python, LOCK],
            ):
                subprocess.run([uv, "--quiet", *command], check=True)
            done.touch()
    return folder / "bin" / "az"


def settings(folder: Path) -> dict[str, str]:
    """What keeps it from the user's own login, from reports home, and from asking Microsoft."""
    return {
        "AZURE_CONFIG_DIR": str(folder),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_NO_COLOR": "yes",
        # Else it asks Microsoft whether the authority is one.
        "AZURE_CORE_INSTANCE_DISCOVERY": "no",
    }
