"""Through the wall of the cluster's network: streams over Unix sockets in its folder.

Inwards, `tunnel.sock` connects to an address in the cluster. Outwards, `outside.sock` answers what
the cluster needs of the stand-in: an image, an address on the host for a load balancer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from local_azure.kubernetes import network

LOG = logging.getLogger(__name__)

INWARDS = "tunnel.sock"
OUTWARDS = "outside.sock"

_CHUNK = 65_536
_MOST_BYTES = 1_048_576

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def connect_inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one stream of `tunnel.sock`: its first line is `ADDRESS PORT`."""
    try:
        address, port = (await reader.readline()).decode().split()
        inner = await asyncio.open_connection(address, int(port))
    except (OSError, ValueError) as error:
        LOG.warning("tunnel: %s", error)
        writer.close()
        return
    await _both_ways((reader, writer), inner)


async def forward(
    socket: str,
    address: str,
    port: int,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Carry one connection of the host to an address in the cluster."""
    try:
        inner = await asyncio.open_unix_connection(socket)
    except OSError as error:
        LOG.warning("the cluster is out of reach: %s", error)
        writer.close()
        return
    inner[1].write(f"{address} {port}\n".encode())
    await _both_ways((reader, writer), inner)


async def ask(socket: str, question: dict[str, Any]) -> dict[str, Any]:
    """Ask the stand-in, from inside.

    Raises:
        OSError: It does not answer.
    """
    reader, writer = await asyncio.open_unix_connection(socket, limit=_MOST_BYTES)
    try:
        writer.write(json.dumps(question).encode() + b"\n")
        line = await reader.readline()
    finally:
        writer.close()
    if not line:
        raise ConnectionError("the stand-in gave no answer")
    return json.loads(line)


async def answer_inside(folder: Path, answer: Answer) -> asyncio.Server:
    """Answer the cluster's questions, one a connection."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                found = await answer(json.loads(await reader.readline()))
            except Exception as error:
                LOG.exception("a question of the cluster")
                found = {"error": f"the stand-in failed: {type(error).__name__}"}
            writer.write(json.dumps(found).encode() + b"\n")
            await writer.drain()
        writer.close()

    (folder / OUTWARDS).unlink(missing_ok=True)
    path = network.reached(folder, OUTWARDS)
    return await asyncio.start_unix_server(one, path, limit=_MOST_BYTES)


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(one: _Stream, other: _Stream) -> None:
    """Until both ends have said their last word, or one of them is lost.

    One that has said it may be lost unheard while the other is silent, and asyncio keeps no task
    of a stream that is lost: this one would be collected as garbage.
    """
    copies = asyncio.gather(_copy(one[0], other[1]), _copy(other[0], one[1]))
    lost = [asyncio.ensure_future(each.wait_closed()) for _, each in (one, other)]
    try:
        await asyncio.wait([copies, *lost], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for _, writer in (one, other):
            if copies.done():
                writer.close()
            else:
                writer.transport.abort()
        for each in (copies, *lost):
            each.cancel()
        await asyncio.gather(copies, *lost, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the end of what comes; a stream that breaks off does so at its other end, too."""
    try:
        while piece := await reader.read(_CHUNK):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
