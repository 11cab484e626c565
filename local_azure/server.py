"""The server process: one HTTPS listener on 127.0.0.1, alive until it is told to stop."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import socket
from dataclasses import asdict

from local_azure import services
from local_azure.arm.app import create_app
from local_azure.arm.conditions import FILE, Conditions
from local_azure.arm.service import Surroundings
from local_azure.arm.store import Store
from local_azure.arm.tokens import Tokens
from local_azure.certificates import Certificates
from local_azure.home import Home, kept_secret
from local_azure.identity import identity
from local_azure.listener import HOST, Server, bound, config
from local_azure.process import Running, keys, server_lock

LOG = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""How long requests may go on after the server was told to stop."""

PUBLIC_AUDIENCES = (
    "https://management.azure.com/",
    "https://management.core.windows.net/",
)
"""ARM's names that clients ask for by themselves, beside the stand-in's own URL."""

OTHER_AUDIENCES = ("https://containerregistry.azure.net",)


def serve(home: Home) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        LocalAzureError: another server runs on the state folder, or the folder cannot be used.
    """
    home.create()
    with server_lock(home):
        home.running.unlink(missing_ok=True)
        certificates = Certificates.at(home.certificates)
        certificates.ensure()
        store = Store(home.database)
        with _listener(home) as listener:
            asyncio.run(_serve(home, store, certificates, listener))


async def _serve(
    home: Home, store: Store, certificates: Certificates, listener: socket.socket
) -> None:
    url = f"https://{HOST}:{listener.getsockname()[1]}"
    key = kept_secret(home.private / "signing-key")
    tokens = Tokens(key, identity(home), (url, *PUBLIC_AUDIENCES), OTHER_AUDIENCES)

    conditions = functools.partial(Conditions.read, home.root / FILE)

    def surroundings(name: str) -> Surroundings:
        return Surroundings(
            url,
            home.service(name),
            store,
            tokens.verify,
            certificates.certificate,
            certificates.key,
            store.connection,
            conditions,
        )

    handlers = services.EXCEPTION_HANDLERS
    app = create_app(url, store, tokens, services.make(surroundings), handlers, conditions)
    server = Server(config(app, certificates.certificate, certificates.key, GRACE_SECONDS))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    if server.started:
        home.running.write_text(json.dumps(asdict(Running.here(url, keys(home)))))
        LOG.info("ready at %s, state in %s", url, home.root)
    try:
        await serving
    finally:
        home.running.unlink(missing_ok=True)
        store.close()


def _listener(home: Home) -> socket.socket:
    """A socket on the port of the last time, or on a free one when that is taken."""
    try:
        before = int(home.port.read_text())
    except (FileNotFoundError, ValueError):
        before = 0
    listener = bound(before)
    port = listener.getsockname()[1]
    if before not in (0, port):
        LOG.warning("port %d is taken, using %d", before, port)
    home.port.write_text(str(port))
    return listener
