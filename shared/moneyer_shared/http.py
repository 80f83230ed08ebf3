"""The one way a service calls another: a token, bounded patience, retries only where repeating is safe."""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from moneyer_shared.auth import TokenSource
from moneyer_shared.errors import MoneyerError, Unavailable, from_problem
from moneyer_shared.web import traceparent

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.1
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 5.0
RETRIED_STATUS = {502, 503, 504}


@dataclass
class Circuit:
    """After several failures in a row, fail at once for a moment instead of queueing on a dead peer."""

    failures: int = 0
    opened_at: float = field(default=0.0)

    def check(self, peer: str) -> None:
        if self.failures >= FAILURES_TO_OPEN and time.monotonic() - self.opened_at < OPEN_SECONDS:
            raise Unavailable(f"The {peer} service does not answer; try again in a few seconds.")

    def note(self, *, well: bool) -> None:
        self.failures = 0 if well else self.failures + 1
        if not well:
            self.opened_at = time.monotonic()


class Peer:
    """Another moneyer service, named by its audience."""

    def __init__(self, *, name: str, base_url: str, tokens: TokenSource, http: httpx.AsyncClient) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._http = http
        self._circuit = Circuit()

    async def get(self, path: str) -> Any:
        return await self._call("GET", path, repeatable=True)

    async def post(self, path: str, body: object, *, idempotency_key: str | None = None) -> Any:
        """Send a JSON body; bytes are taken to be JSON already."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._call("POST", path, body=body, headers=headers, repeatable=bool(idempotency_key))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool,
    ) -> Any:
        for attempt in range(ATTEMPTS if repeatable else 1):
            self._circuit.check(self.name)
            if attempt:
                # Jitter spreads the callers that a restart of the peer has synchronised.
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311
            answer = await self._send(method, path, body, headers or {})
            if answer is not None and answer.status_code not in RETRIED_STATUS:
                self._circuit.note(well=True)
                return _content(answer)
            self._circuit.note(well=False)
        raise Unavailable(f"The {self.name} service does not answer; try again.")

    async def _send(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> httpx.Response | None:
        token = await self._tokens.token(f"moneyer-{self.name}")
        sent = {"Authorization": f"Bearer {token}", **headers}
        if parent := traceparent.get():
            sent["traceparent"] = parent
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            return await self._http.request(method, self._base_url + path, headers=sent, content=content)
        except httpx.TransportError:
            return None


def _content(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        body = answer.json()
    except ValueError:
        raise MoneyerError(f"A peer answered {answer.status_code} without a problem body.") from None
    raise from_problem(answer.status_code, body)
