"""Streams into the cluster's network: what happens at one end is seen at the other."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from local_azure.kubernetes import tunnel

LIMIT_SECONDS = 20.0
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Is never asked."""


def through(folder: Path, serve: Serve | None, talk: Talk) -> bytes:
    """What a client hears of a server behind the tunnel, or of none."""
    path = str(folder / tunnel.INWARDS)

    async def run() -> bytes:
        server = await asyncio.start_server(serve or nobody, "127.0.0.1", 0)
        inner = server.sockets[0].getsockname()[1]
        if serve is None:
            server.close()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await tunnel.forward(path, "127.0.0.1", inner, reader, writer)

        wall = await asyncio.start_unix_server(tunnel.connect_inside, path)
        outer = await asyncio.start_server(carry, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*outer.sockets[0].getsockname())
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                return await talk(reader, writer)
        finally:
            writer.close()
            for each in (outer, wall, server):
                each.close()

    return asyncio.run(run())


async def question(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What comes back, nothing where the stream breaks off; more is asked than a socket holds."""
    try:
        writer.write(b"question" * 100_000)
        return await reader.read()
    except ConnectionError:
        return b""


def test_each_side_hears_the_other_out(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.read())
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"x" * 200_000)
        writer.write_eof()
        return await reader.read()

    assert through(tmp_path, serve, talk) == b"heard " + b"x" * 200_000


def test_who_asks_a_server_that_is_not_there_hears_so_at_once(tmp_path: Path) -> None:
    assert through(tmp_path, None, question) == b""


def test_a_stream_that_breaks_off_does_so_for_the_client_at_once(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        # A process that is killed takes no leave: its connections are reset.
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    assert through(tmp_path, serve, question) == b""


def test_a_client_that_is_lost_ends_the_stream_of_a_server_that_is_silent(tmp_path: Path) -> None:
    """It said that it was done, then went before it had taken its answer."""

    async def run() -> None:
        path = str(tmp_path / tunnel.INWARDS)
        gone = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.write(b"x" * 30_000)
            await gone.wait()
            writer.close()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await tunnel.forward(path, "127.0.0.1", 1, reader, writer)
            gone.set()

        listening, client = socket.create_server(("127.0.0.1", 0)), socket.socket()
        # So that a part of the answer still has to be sent when the client goes.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.setblocking(False)
        inner = await asyncio.start_unix_server(answer, path)
        outer = await asyncio.start_server(carry, sock=listening)
        async with inner, outer, asyncio.timeout(LIMIT_SECONDS):
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, listening.getsockname())
            client.shutdown(socket.SHUT_WR)
            await loop.sock_recv(client, 1)
            client.close()
            await gone.wait()

    asyncio.run(run())
