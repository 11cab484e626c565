"""The state folder: where everything that the stand-in keeps has its place."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_azure import whole_file
from local_azure.errors import LocalAzureError

VARIABLE = "LOCAL_AZURE_DIR"
"""Names another state folder than `.local` in the checkout."""

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder that holds this package: the Pulumi project's."""

_MARK = "local-azure"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Home:
    """The paths in one state folder.

    Attributes:
        root: The folder, absolute. Two folders are two independent stand-ins.
    """

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Home:
        """The folder that `LOCAL_AZURE_DIR` names, else `.local` in the checkout.

        Raises:
            LocalAzureError: the variable names something that is no folder.
        """
        named = environment.get(VARIABLE)
        root = Path(named).expanduser().absolute() if named else CHECKOUT / ".local"
        if root.exists() and not root.is_dir():
            raise LocalAzureError(f"{VARIABLE}={named} is not a folder; name another or unset it")
        return cls(root)

    def create(self) -> None:
        """Make the folders, readable by the user alone.

        Raises:
            LocalAzureError: the folder cannot be made, or holds somebody else's files.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            mark = self.root / _MARK
            if not mark.exists():
                if any(self.root.iterdir()):
                    raise LocalAzureError(
                        f"{self.root} holds files that are not the stand-in's; name an empty or "
                        f"new folder in {VARIABLE}"
                    )
                self.root.chmod(0o700)
                mark.write_text(
                    "The state of the local Azure stand-in. Safe to delete when stopped.\n"
                )
            for folder in (
                self.private,
                self.certificates,
                self.user,
                self.pulumi_home,
                self.backend,
                self.programs,
                self.projects,
                self.services,
            ):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LocalAzureError(
                f"the state folder {self.root} cannot be used: {error.strerror}; "
                f"name another in {VARIABLE}"
            ) from error

    def is_ours(self) -> bool:
        """Whether the folder was made by `create`."""
        return (self.root / _MARK).is_file()

    @property
    def database(self) -> Path:
        """Resources, operations, models."""
        return self.root / "state.sqlite3"

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.root / "server.log"

    @property
    def running(self) -> Path:
        """The pid file: JSON, written when the server is ready, removed when it stops."""
        return self.root / "server.json"

    @property
    def port(self) -> Path:
        """The last port, asked for again at the next start."""
        return self.root / "port"

    @property
    def server_lock(self) -> Path:
        """Held by the server as long as it lives."""
        return self.root / "server.lock"

    @property
    def start_lock(self) -> Path:
        """Held by whoever starts, stops or resets."""
        return self.root / "start.lock"

    @property
    def certificates(self) -> Path:
        """The CA and the server's certificate."""
        return self.root / "certificates"

    @property
    def private(self) -> Path:
        """Keys and passwords."""
        return self.root / "private"

    @property
    def passphrase(self) -> Path:
        """Encrypts the Pulumi stack's secrets."""
        return self.private / "passphrase"

    @property
    def client_secret(self) -> Path:
        """The password of the stand-in's one service principal."""
        return self.private / "client-secret"

    @property
    def user(self) -> Path:
        """`HOME` of the commands that run against the stand-in."""
        return self.root / "home"

    @property
    def pulumi_home(self) -> Path:
        """`PULUMI_HOME`: the plugin and the selected stack."""
        return self.root / "pulumi"

    @property
    def backend(self) -> Path:
        """The Pulumi stack's state."""
        return self.root / "stacks"

    @property
    def projects(self) -> Path:
        """A folder per Pulumi project: its stack's configuration, kept out of the checkout."""
        return self.root / "projects"

    @property
    def programs(self) -> Path:
        """Comes first on `PATH`: `pulumi` with the stack's configuration file."""
        return self.root / "bin"

    @property
    def services(self) -> Path:
        """A folder per service: container files, image blobs, model files."""
        return self.root / "services"

    @property
    def kubeconfig(self) -> Path:
        """What kubectl reads: all clusters of the stand-in."""
        return self.services / "kubernetes" / "kubeconfig"

    def service(self, name: str) -> Path:
        """The folder of one service, made when missing."""
        folder = self.services / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @property
    def identity(self) -> str:
        """Tells this state folder from every other: 12 hex digits of its path."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:12]


def secret_in(path: Path) -> str:
    """The secret in a file; empty where there is none, or what is there was never written here."""
    try:
        kept = path.read_bytes().decode("ascii").strip()
    except (OSError, ValueError):
        return ""
    return kept if _SECRET.fullmatch(kept) else ""


def kept_secret(path: Path) -> str:
    """The secret in a file that only its owner may read; a random one is written where none is."""
    if kept := secret_in(path):
        return kept
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole_file.write(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()
