"""Events passed on to other sinks of OpenLineage, such as Marquez or DataHub, in order and at least once."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from moneyer_lineage.store.forwards import ForwardStore
from moneyer_lineage.store.places import Place
from moneyer_lineage.use_cases.archive import Archive

logger = logging.getLogger("moneyer.forwards")
TOGETHER = 100
PATH = "/api/v1/lineage"
PATIENCE_SECONDS = 15.0
"""For the whole of telling one event; timeouts of a client count anew with every byte."""


class SinkAway(Exception):
    """A sink does not answer, or not now; it is told again later."""


@dataclass(frozen=True)
class Sink:
    """Another receiver of OpenLineage events: its base URL, a bearer token if it wants one, and seconds it has."""

    url: str
    token: str
    http: httpx.AsyncClient
    patience: float = PATIENCE_SECONDS

    async def take(self, event: Mapping[str, Any]) -> bool:
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


LATER = frozenset({401, 403, 408, 425, 429})
"""What a sink says of the caller or the moment, not of the event."""


async def forward(archive: Archive, sinks: Sequence[Sink]) -> int:
    """Pass on what is new to every sink that answers; how many events were taken up."""
    return sum([await _forward(archive, sink) for sink in sinks])


async def _forward(archive: Archive, sink: Sink) -> int:
    async with archive.database.transaction() as connection:
        store = ForwardStore(connection)
        waiting = await store.after(await store.reached(sink.url), TOGETHER)
    done: Place | None = None
    refused = told = 0
    for row in waiting:
        try:
            refused += not await sink.take(row.event)
        except SinkAway as away:
            logger.warning("a sink is away", extra={"fields": {"sink": sink.url, "because": str(away)}})
            break
        done, told = (row.written_in, row.id), told + 1
    if done is not None:
        now = archive.clock()
        async with archive.database.transaction() as connection:
            await ForwardStore(connection).reach(sink.url, done, refused, now)
    return told
