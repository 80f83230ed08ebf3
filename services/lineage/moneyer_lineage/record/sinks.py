"""Other receivers of OpenLineage events, and how one is told."""

import asyncio
import logging
from dataclasses import dataclass

import httpx

from moneyer_lineage.record.rules.statements import Event

logger = logging.getLogger("moneyer.forwards")
PATH = "/api/v1/lineage"
PATIENCE_SECONDS = 15.0
"""For the whole of telling one event; timeouts of a client count anew with every byte."""
LATER = frozenset({401, 403, 408, 425, 429})
"""What a sink says of the caller or the moment, not of the event."""


class SinkAway(Exception):
    """A sink does not answer, or not now; it is told again later."""


@dataclass(frozen=True)
class Sink:
    """Another receiver of OpenLineage events: its base URL, a bearer token if it wants one, and seconds it has."""

    url: str
    token: str
    http: httpx.AsyncClient
    patience: float = PATIENCE_SECONDS

    async def take(self, event: Event) -> bool:
        """Tell one event; whether it was taken. What a sink refuses for good is not told again.

        Raises:
            SinkAway: it does not answer, or says that it cannot now.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            async with asyncio.timeout(self.patience):
                # What it says besides whether it took it is not read: it may be endless.
                async with self.http.stream("POST", self.url.rstrip("/") + PATH, json=event, headers=headers) as answer:
                    pass
        except (httpx.TransportError, TimeoutError) as error:
            raise SinkAway(type(error).__name__) from error
        if answer.is_success:
            return True
        if answer.status_code in LATER or answer.is_server_error:
            raise SinkAway(f"it answered {answer.status_code}")
        fields = {"sink": self.url, "status": answer.status_code}
        logger.warning("a sink refused an event", extra={"fields": fields})
        return False
