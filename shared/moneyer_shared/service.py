"""What every service wires the same way: identity, peers, readiness, the outbox, and the server."""

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Table

from moneyer_shared import migrations
from moneyer_shared.auth import FetchKeys, TokenSource, TokenVerifier, keys_from_issuer
from moneyer_shared.backlog import Backlog
from moneyer_shared.database import Database
from moneyer_shared.errors import Unavailable
from moneyer_shared.http import Peer
from moneyer_shared.journal import Journal
from moneyer_shared.outbox import OutboxDelivery
from moneyer_shared.server import server_of
from moneyer_shared.settings import ServiceSettings
from moneyer_shared.telemetry import Metrics, configure_logging
from moneyer_shared.web import Check

COULD_NOT_START = 3
PATIENCE = httpx.Timeout(30, connect=2)
logger = logging.getLogger("moneyer.service")
Loop = Callable[[], Coroutine[Any, Any, None]]


class Surroundings:
    """The collaborators a service gets from its settings; a test may pass its own transport or keys."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        *,
        http: httpx.AsyncClient | None = None,
        fetch_keys: FetchKeys | None = None,
    ) -> None:
        self.name = name
        self.http = http or httpx.AsyncClient(timeout=PATIENCE)
        self.database = Database(settings.database_url.get_secret_value())
        self.tokens = TokenSource(
            token_url=settings.token_url,
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            http=self.http,
            scope=settings.token_scope,
        )
        self.verifier = TokenVerifier(
            issuer=settings.issuer,
            audience=settings.audience or f"moneyer-{name}",
            reading=settings.reading,
            fetch_keys=fetch_keys or keys_from_issuer(settings.issuer, self.http),
        )

    def peer(self, name: str, base_url: str) -> Peer:
        return Peer(name=name, base_url=base_url, tokens=self.tokens, http=self.http)

    def checks(self, package: str) -> dict[str, Check]:
        """Readiness: the database answers, is migrated to this code's head, and the issuer's keys are read."""

        async def migrated() -> None:
            async with self.database.transaction() as connection:
                if await migrations.current(connection) != migrations.head(package):
                    raise Unavailable("The database is not at this version's migrations.")

        async def keys() -> None:
            await self.verifier.keys()

        return {"database": migrated, "keys": keys}

    @asynccontextmanager
    async def live(self, loops: Sequence[Loop] = ()) -> AsyncGenerator[None]:
        """Run the background loops beside the API and close what was opened."""
        tasks = [asyncio.create_task(persist(loop)) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.http.aclose()
            await self.database.close()

    def delivery(self, journal: Journal, lineage_url: str) -> Loop:
        return OutboxDelivery(self.database, journal, self.peer("lineage", lineage_url)).run_forever

    def backlog(self, metrics: Metrics, journal: Journal, *tables: Table) -> Loop:
        return Backlog(self.database, metrics, journal, tables).run_forever


async def persist(loop: Loop, *, pause_seconds: float = 2.0) -> None:
    """Keep a background loop alive: say that it fell, then start it again."""
    while True:
        try:
            await loop()
        except Exception as error:
            logger.exception("background loop fell", exc_info=error)
        await asyncio.sleep(pause_seconds)


def serve(app: FastAPI, settings: ServiceSettings, name: str) -> None:
    """Answer HTTP until told to stop."""
    configure_logging(name, settings.log_level)
    # What is here now stays: the collector need not walk all modules and schemas again for every full collection.
    gc.collect()
    gc.freeze()
    server = server_of(app, host=settings.host, port=settings.port)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(COULD_NOT_START)
