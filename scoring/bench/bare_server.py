"""A server of a few lines: how far any other on uvloop, httptools and simdjson could come here.

It copies the numbers out of JSON, and takes tensors as they are: no check, no limit, no log, and no
model.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import httptools
import numpy as np
import simdjson
import uvloop

ANSWER = b"[7]"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(ANSWER)
_KEPT = _HEAD + b"\r\n" + ANSWER
_LAST = _HEAD + b"connection: close\r\n\r\n" + ANSWER
_JSON = b'{"data"'


class _Connection(asyncio.Protocol):
    def __init__(self, parser: simdjson.Parser) -> None:
        self._parser = parser
        self._http = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._http.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        if body.startswith(_JSON):
            found: Any = self._parser.parse(body)
            np.frombuffer(found["data"].as_buffer(of_type="d"), np.float64)
        kept = self._http.should_keep_alive()
        self._transport.write(_KEPT if kept else _LAST)
        if not kept:
            self._transport.close()


async def _serve(port: int) -> None:
    parser = simdjson.Parser()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(parser), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
