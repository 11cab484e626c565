"""A server of a test's: it answers while a block runs, and has ended after it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import TypeVar

from local_azure.certificates import Certificates

Server = TypeVar("Server", bound=HTTPServer)


@contextmanager
def answering(server: Server, certificates: Certificates | None = None) -> Iterator[Server]:
    """Answer until the block ends, however it does; over TLS where there are certificates."""
    if certificates:
        server.socket = certificates.server_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
