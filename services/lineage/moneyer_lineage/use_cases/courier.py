"""Deliveries on their way: each on its own, so that a receiver that takes its time takes nobody else's."""

import asyncio
import logging
import random
from collections import Counter
from typing import Any

from sqlalchemy import Row

from moneyer_lineage.domain.webhooks import (
    ANSWERED_WITHIN,
    MOST_ATTEMPTS,
    body_of,
    pause_after,
    secrets_of,
    signed_headers,
)
from moneyer_lineage.store.webhooks import WebhookStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import record_act
from moneyer_lineage.use_cases.messenger import GoneForGood, Messenger, NotTaken, Unreached
from moneyer_shared.journal import AuditEvent

AT_ONCE = 100
AT_ONCE_TO_ONE_OWNER = 10
REST_SECONDS = 1.0
logger = logging.getLogger("moneyer.webhooks")


class Courier:
    """Carries what is due. A webhook is told one thing at a time, and an owner's webhooks have a share of all ways."""

    def __init__(self, archive: Archive, messenger: Messenger) -> None:
        self._archive = archive
        self._messenger = messenger
        self._under_way: dict[asyncio.Task[None], Row[Any]] = {}

    async def run(self) -> None:
        """Set out whenever something is due, until cancelled."""
        try:
            while True:
                await self.set_out()
                await self._rest()
        finally:
            await self.stop()

    async def set_out(self) -> int:
        """Send off what is due and has a free way; how much that was.

        A delivery is counted as tried before it is sent, and is due again later until it is known to be taken: a
        process that dies in between has it sent twice, under one id, but never loses it.
        """
        free = AT_ONCE - len(self._under_way)
        if free <= 0:
            return 0
        now, rows = self._archive.clock(), list(self._under_way.values())
        busy = {row.webhook_id for row in rows}
        full = {owner for owner, ways in Counter(row.owner for row in rows).items() if ways >= AT_ONCE_TO_ONE_OWNER}
        async with self._archive.database.transaction() as connection:
            claimed = await WebhookStore(connection).claim(
                now, now + ANSWERED_WITHIN, free, per_owner=AT_ONCE_TO_ONE_OWNER, busy=busy, full=full
            )
        for row in claimed:
            task = asyncio.create_task(deliver(self._archive, self._messenger, row))
            self._under_way[task] = row
            task.add_done_callback(self._arrived)
        return len(claimed)

    async def stop(self) -> None:
        """Give up what is under way, which is due again later, and wait until none of it speaks to the database."""
        left = list(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def arrive(self) -> None:
        """Wait for all that is under way now."""
        await asyncio.gather(*self._under_way)

    async def _rest(self) -> None:
        if self._under_way:
            # A way that becomes free is used at once.
            await asyncio.wait(self._under_way, timeout=REST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(REST_SECONDS)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a delivery fell", exc_info=error)


async def deliver(archive: Archive, messenger: Messenger, row: Row[Any]) -> None:
    """Try one delivery, and write down how it ended."""
    now, body = archive.clock(), body_of(row.event)
    secrets = secrets_of(archive.webhook_key, row.webhook_id, row.generation, row.rotated_at, now)
    try:
        answer = await messenger.deliver(row.url, signed_headers(secrets, str(row.id), now, body), body)
    except NotTaken as failure:
        await _failed(archive, row, failure)
    else:
        await _settle(archive, row, "delivered", delivered_at=archive.clock(), answer=answer)


async def _failed(archive: Archive, row: Row[Any], failure: NotTaken) -> None:
    now = archive.clock()
    if isinstance(failure, Unreached):
        logger.info("a receiver was not reached", extra={"fields": {"delivery": str(row.id), "why": failure.why}})
    if isinstance(failure, GoneForGood):
        async with archive.database.transaction() as connection:
            await WebhookStore(connection).settle(row.id, answer=str(failure), given_up_at=now)
            await WebhookStore(connection).end(row.webhook_id, "its receiver answered 410 Gone", now)
            await record_act(connection, AuditEvent("lineage", "webhook.end", f"webhook:{row.webhook_id}"), now)
    elif row.attempts >= MOST_ATTEMPTS:
        await _settle(archive, row, "given-up", given_up_at=now, answer=str(failure))
    else:
        due = now + pause_after(row.attempts, random.random())  # noqa: S311
        async with archive.database.transaction() as connection:
            await WebhookStore(connection).settle(row.id, due_at=due, answer=str(failure))


async def _settle(archive: Archive, row: Row[Any], outcome: str, **values: Any) -> None:
    """The end of a delivery, with a leaf in the log: an outsider can see that an owner was told, or was not."""
    async with archive.database.transaction() as connection:
        await WebhookStore(connection).settle(row.id, **values)
        subject, details = f"asset:{row.event['subject']}", {"delivery": str(row.id), "attempts": row.attempts}
        event = AuditEvent("lineage", "webhook.deliver", subject, outcome, details)
        await record_act(connection, event, archive.clock())
