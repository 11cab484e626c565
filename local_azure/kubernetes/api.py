"""The Kubernetes API, as far as nodes and the cluster's own controllers need it."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from local_azure.kubernetes.keys import Keys

LOG = logging.getLogger(__name__)

Object = dict[str, Any]

_MERGE = {"Content-Type": "application/strategic-merge-patch+json"}
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Change:
    """What a watch told.

    Attributes:
        kind: ADDED, MODIFIED, DELETED, or LISTED for the whole list at the beginning of a watch.
        objects: One object, or all of a list.
    """

    kind: str
    objects: list[Object]


class Api:
    """A client with a certificate of its own.

    Attributes:
        http: For what has no method here.
    """

    def __init__(self, server: str, keys: Keys, name: str) -> None:
        context = ssl.create_default_context(cafile=str(keys.authority))
        context.load_cert_chain(keys.certificate(name), keys.key(name))
        self.http = httpx.AsyncClient(base_url=server, verify=context, trust_env=False, timeout=30)

    async def get(self, path: str, **parameters: str) -> Object | None:
        """An object or a list; None where there is none.

        Raises:
            httpx.HTTPError: The API server refuses or does not answer.
        """
        answer = await self.http.get(path, params=parameters)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.json()

    async def create(self, path: str, body: Object) -> None:
        """Make an object; one that exists is left alone.

        Raises:
            httpx.HTTPError: The API server refuses or does not answer.
        """
        answer = await self.http.post(path, json=body)
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()

    async def patch(self, path: str, body: Mapping[str, Any]) -> bool:
        """Change an object; False where there is none.

        Raises:
            httpx.HTTPError: The API server refuses or does not answer.
        """
        answer = await self.http.patch(path, content=json.dumps(body), headers=_MERGE)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        if answer.is_error:
            LOG.error("PATCH %s: %s", path, answer.text[:500])
        answer.raise_for_status()
        return True

    async def delete(self, path: str, uid: str) -> None:
        """Remove an object at once, if it still is the one with this uid."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        await self.http.request("DELETE", path, json=body)

    async def changes(self, path: str, **parameters: str) -> AsyncIterator[Change]:
        """List, then watch, for ever; begins anew whenever the watch breaks off."""
        while True:
            try:
                listed = await self.get(path, **parameters) or {"items": [], "metadata": {}}
                yield Change("LISTED", listed["items"])
                more = {
                    **parameters,
                    "watch": "1",
                    "timeoutSeconds": "300",
                    "resourceVersion": listed["metadata"].get("resourceVersion", ""),
                }
                async with self.http.stream("GET", path, params=more, timeout=None) as stream:
                    async for line in stream.aiter_lines():
                        event = json.loads(line)
                        if event["type"] == "ERROR":
                            break
                        yield Change(event["type"], [event["object"]])
            except (httpx.HTTPError, OSError, ValueError) as error:
                LOG.warning("watch of %s: %r", path, error)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.aclose()


async def serve(app: ASGIApp, keys: Keys, name: str, host: str, port: int) -> None:
    """Answer the API server, and nobody without a certificate of the cluster, until cancelled.

    Args:
        app: What answers.
        keys: The cluster's.
        name: Of the certificate that is shown.
        host: The address to listen on.
        port: The TCP port.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ssl_certfile=str(keys.certificate(name)),
        ssl_keyfile=str(keys.key(name)),
        ssl_ca_certs=str(keys.authority),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
        log_level="warning",
        access_log=False,
    )
    # Unlike `serve`, it leaves signals to the program around it.
    await uvicorn.Server(config)._serve()
