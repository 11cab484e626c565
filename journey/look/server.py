"""Serves the page on the loopback alone, and asks the endpoint for it: the key stays here.

Whoever is on this machine may look; a page of another origin, a name that was made to point here
and a body that is no digit are refused. It ends by itself when the stand-in does.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

PAGES = ("index", "validation", "smoke", "review", "drift")
PIXELS = 28 * 28
MOST = 32 * 1024
"""Bytes of a digit as JSON: 784 numbers of at most six characters are far fewer."""

POLL_SECONDS = 0.5
NAMED_SECONDS = 20.0
SECONDS = 10.0
"""How long the endpoint may take."""

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def application(out: Path, origin: str, uri: str, key: str) -> Starlette:
    """The server's routes.

    Args:
        out: The folder with the pages.
        origin: Where it is served, such as `http://127.0.0.1:8000`.
        uri: The scoring URI; empty for none.
        key: What the endpoint asks for; empty for nothing.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # The proxies of the environment are for the internet.
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
            app.state.client = client
            yield

    def guarded(
        handle: Callable[[Request], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guard(request: Request) -> Response:
            if request.headers.get("host") != origin.removeprefix("http://"):
                return PlainTextResponse("this is not my name\n", 421, _HEADERS)
            answer = await handle(request)
            answer.headers.update(_HEADERS)
            return answer

        return guard

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "index")
        file = out / f"{name}.html"
        if name not in PAGES or not file.is_file():
            return PlainTextResponse("there is no such page\n", 404)
        return FileResponse(file, media_type="text/html; charset=utf-8")

    async def predict(request: Request) -> Response:
        if request.headers.get("origin") != origin:
            return _refused(403, "only the page itself may ask")
        if request.headers.get("content-type") != "application/json":
            return _refused(415, "send application/json")
        row = _digit(await _body(request))
        if row is None:
            return _refused(400, f"send one row of {PIXELS} numbers from 0 to 1")
        if not uri:
            return _refused(503, "no service is deployed")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            answer = await request.app.state.client.post(uri, json={"data": [row]}, headers=headers)
            if answer.status_code != 200:
                return _refused(502, f"HTTP {answer.status_code}")
            (prediction,) = answer.json()
        except (httpx.HTTPError, ValueError, TypeError) as error:
            return _refused(502, type(error).__name__)
        return JSONResponse({"prediction": prediction})

    async def state(request: Request) -> Response:
        try:
            answer = await request.app.state.client.get(httpx.URL(uri).join("/ready"))
            ready = answer.status_code == 200
        except (httpx.HTTPError, httpx.InvalidURL):
            ready = False
        return JSONResponse({"ready": ready})

    return Starlette(
        routes=[
            Route("/", guarded(page)),
            Route("/{name}.html", guarded(page)),
            Route("/state", guarded(state)),
            Route("/predict", guarded(predict), methods=["POST"]),
        ],
        lifespan=lifespan,
    )


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)


async def _body(request: Request) -> bytes:
    """The body as far as it is allowed; a longer one is none."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST:
            return b""
    return body


def _digit(body: bytes) -> list[float] | None:
    try:
        (row,) = json.loads(body)["data"]
        numbers = [float(value) for value in row]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return numbers if len(numbers) == PIXELS and all(0 <= one <= 1 for one in numbers) else None


def serve(settings: dict[str, Any], key: str) -> None:
    """Serve until nobody names this process any more, or the stand-in has ended.

    Args:
        settings: `descriptor` of the bound socket, `out`, `origin`, `uri`, `noted`, the file that
            names this process for as long as it is wanted, and `stand_in`, the file that is there
            for as long as the stand-in runs.
        key: What the endpoint asks for; empty for nothing.
    """
    app = application(Path(settings["out"]), str(settings["origin"]), str(settings["uri"]), key)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    noted, alone = Path(settings["noted"]), Path(settings["stand_in"])

    async def run() -> None:
        watching = asyncio.create_task(watch())
        await server.serve(sockets=[socket.socket(fileno=int(settings["descriptor"]))])
        watching.cancel()

    async def watch() -> None:
        # Who started it writes its name down a moment later.
        deadline = time.monotonic() + NAMED_SECONDS
        while not _names(noted) and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
        while _names(noted) and alone.exists():
            await asyncio.sleep(POLL_SECONDS)
        server.should_exit = True

    asyncio.run(run())


def _names(noted: Path) -> bool:
    try:
        return json.loads(noted.read_bytes())["pid"] == os.getpid()
    except (OSError, ValueError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    serve(json.loads(os.environ["LOOK"]), os.environ.pop("SCORING_KEY", ""))
