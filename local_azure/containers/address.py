"""An address of its own for each container group, on the loopback network."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Collection
from pathlib import Path


class NoAddressError(Exception):
    """No loopback address has the ports free."""


def choose(seed: str, ports: Collection[int], taken: Collection[str]) -> str:
    """An address in 127.0.0.0/8 on which all ports are free.

    Args:
        seed: The same seed begins at the same address.
        ports: TCP ports that the group will listen on.
        taken: Addresses of other groups.

    Raises:
        NoAddressError: After 64 tries.
    """
    for attempt in range(64):
        digest = hashlib.sha256(f"{seed}#{attempt}".encode()).digest()
        # 127.0.x.x is where everybody else listens.
        address = f"127.{64 + digest[0] % 128}.{digest[1]}.{1 + digest[2] % 254}"
        if address not in taken and free(address, ports):
            return address
    raise NoAddressError(f"no loopback address has the ports {sorted(ports)} free")


def free(address: str, ports: Collection[int]) -> bool:
    """Whether nothing listens on the ports."""
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
            except OSError:
                return False
    return True


def noted(note: Path) -> str:
    """The loopback address in a file; empty where there is none."""
    try:
        found = ipaddress.IPv4Address(note.read_bytes().decode("ascii"))
    except (OSError, ValueError):
        return ""
    return str(found) if found.is_loopback else ""
