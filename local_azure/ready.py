"""Everything in place for a command against the stand-in: server, Pulumi CLI, plugin, stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from local_azure import process
from local_azure.environment import ambient, inside
from local_azure.home import Home
from local_azure.kubernetes.programs import Programs
from local_azure.provider import plugin
from local_azure.pulumi_cli import PulumiCli
from local_azure.stack import Stack, install_wrapper


@dataclass(frozen=True)
class Ready:
    """What a command needs.

    Attributes:
        url: The stand-in's base URL.
        environment: The whole environment of a command.
        stack: The stack of the project that the command is run in; None outside of projects.
    """

    url: str
    environment: dict[str, str]
    stack: Stack | None


def prepare(home: Home, folder: Path, console: Console) -> Ready:
    """Start, install and make what is missing; takes well under a second when nothing is.

    Args:
        home: The state folder.
        folder: Where the command will be run.
        console: Where long steps show their progress.

    Raises:
        LocalAzureError: One of them is impossible.
    """
    pulumi = PulumiCli(ambient(), console).ensure()
    running = process.start(home)
    environment = inside(home, running.url, pulumi.parent)
    plugin.install(pulumi, home.pulumi_home, environment)
    install_wrapper(home, pulumi)
    Programs(ambient()).install(home)
    stack = Stack.at(home, folder)
    if stack:
        stack.ensure(environment)
    return Ready(running.url, environment, stack)
