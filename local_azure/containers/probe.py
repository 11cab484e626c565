"""Liveness and readiness: asked again and again, judged by thresholds.

Source: "Configure liveness probes" and "Configure readiness probes" of Azure Container Instances;
the defaults are those of the REST reference.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Run = Callable[[Sequence[str], float], Awaitable[tuple[int, str]]]
"""Runs a command in the container within some seconds: its exit code and output."""

_MOST_SHOWN = 200


@dataclass(frozen=True)
class Probe:
    """One probe of a container.

    Attributes:
        command: Succeeds with exit code 0; None for an HTTP probe.
        url: Succeeds with a status of 200 to 399; "" for a command.
        headers: Of the HTTP request.
        delay: Seconds before the first try.
        period: Seconds between tries.
        timeout: Seconds for one try.
        failures: Tries in a row that must fail.
        successes: Tries in a row that must succeed.
    """

    command: tuple[str, ...] | None
    url: str
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
        url = ""
        if get:
            path = "/" + str(get.get("path") or "").lstrip("/")
            url = f"{str(get.get('scheme') or 'http').lower()}://{address}:{get['port']}{path}"
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

    async def verdicts(self, run: Run) -> AsyncIterator[tuple[bool | None, str]]:
        """Try for ever.

        Yields:
            After each try: True or False while a threshold is reached, else None; and why the
            try failed, "" if it did not.
        """
        good = bad = 0
        await asyncio.sleep(self.delay)
        while True:
            reason = await self._failure(run)
            good, bad = (0, bad + 1) if reason else (good + 1, 0)
            verdict = None
            if good >= self.successes:
                verdict = True
            elif bad >= self.failures:
                verdict = False
            yield verdict, reason
            await asyncio.sleep(self.period)

    async def _failure(self, run: Run) -> str:
        """Why a try fails; "" when it does not."""
        try:
            if self.command:
                code, output = await run(self.command, self.timeout)
                said = f": {output[:_MOST_SHOWN]}" if output else ""
                return f"exit code {code}{said}" if code else ""
            async with asyncio.timeout(self.timeout), _client() as client:
                answer = await client.get(self.url, headers=dict(self.headers))
        except TimeoutError:
            return f"no answer within {self.timeout:g} s"
        except (httpx.HTTPError, OSError) as error:
            return f"{self.url}: {str(error) or type(error).__name__}"
        if 200 <= answer.status_code < 400:
            return ""
        return f"{self.url}: HTTP status {answer.status_code}"


def _client() -> httpx.AsyncClient:
    # A probe asks whether something answers, not who: a container's certificate is its own.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return httpx.AsyncClient(trust_env=False, verify=context, timeout=None)  # noqa: S113 - see caller
