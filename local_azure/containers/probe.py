"""Liveness and readiness: asked again and again, judged by thresholds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Probe:
    """One probe of a container, with Azure Container Instances' defaults.

    Attributes:
        command: Succeeds with exit code 0; None for an HTTP probe.
        url: Succeeds with a status of 200 to 399; None for a command.
        headers: Of the HTTP request.
        delay: Seconds before the first try.
        period: Seconds between tries.
        timeout: Seconds for one try.
        failures: Tries in a row that must fail.
        successes: Tries in a row that must succeed.
    """

    command: tuple[str, ...] | None
    url: str | None
    headers: Mapping[str, str]
    delay: float
    period: float
    timeout: float
    failures: int
    successes: int

    @classmethod
    def parse(cls, body: Mapping[str, Any] | None, address: str) -> Probe | None:
        """The probe of an ARM body, for a group at an address."""
        if not body:
            return None
        get = body.get("httpGet")
        command = (body.get("exec") or {}).get("command")
        url = None
        if get:
            path = "/" + str(get.get("path") or "/").lstrip("/")
            url = f"{get.get('scheme') or 'http'}://{address}:{get['port']}{path}".lower()
            url = url[: len(url) - len(path)] + path
        headers = {each["name"]: each["value"] for each in (get or {}).get("httpHeaders") or []}
        return cls(
            command=tuple(command) if command else None,
            url=url,
            headers=headers,
            delay=body.get("initialDelaySeconds") or 0,
            period=body.get("periodSeconds") or 10,
            timeout=body.get("timeoutSeconds") or 1,
            failures=body.get("failureThreshold") or 3,
            successes=body.get("successThreshold") or 1,
        )

    async def watch(
        self, run: Callable[[tuple[str, ...]], Awaitable[int]], judged: Callable[[bool], None]
    ) -> None:
        """Try for ever; `judged` hears True or False each time a threshold is reached.

        Args:
            run: Runs a command in the container, answers its exit code.
            judged: Told the verdict; it may be told the same one again.
        """
        good = bad = 0
        await asyncio.sleep(self.delay)
        while True:
            if await self._try(run):
                good, bad = good + 1, 0
                if good >= self.successes:
                    judged(True)
            else:
                good, bad = 0, bad + 1
                if bad >= self.failures:
                    judged(False)
            await asyncio.sleep(self.period)

    async def _try(self, run: Callable[[tuple[str, ...]], Awaitable[int]]) -> bool:
        try:
            async with asyncio.timeout(self.timeout):
                if self.command:
                    return await run(self.command) == 0
                async with httpx.AsyncClient(
                    trust_env=False,
                    verify=False,  # noqa: S501 - a probe asks whether it answers, as ACI does
                    timeout=self.timeout,
                ) as client:
                    answer = await client.get(self.url or "", headers=self.headers)
                    return 200 <= answer.status_code < 400
        except (TimeoutError, httpx.HTTPError, OSError):
            return False
