"""Deliveries on their way: each on its own, so that a receiver that takes its time takes nobody else's."""

import asyncio
import logging
import random
from collections import Counter

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.webhooks.messenger import GoneForGood, NotTaken, Unreached
from moneyer_lineage.webhooks.rules.signing import (
    ANSWERED_WITHIN,
    MOST_ATTEMPTS,
    body_of,
    pause_after,
    secrets_of,
    signed_headers,
)
from moneyer_lineage.webhooks.store import DueDelivery, WebhookStore
from moneyer_shared.contracts.actions import Action
from moneyer_shared.journal import AuditEvent

AT_ONCE = 100
AT_ONCE_TO_ONE_OWNER = 10
REST_SECONDS = 1.0
logger = logging.getLogger("moneyer.webhooks")


class Courier:
    """Carries what is due. A webhook is told one thing at a time, and an owner's webhooks have a share of all ways."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._under_way: dict[asyncio.Task[None], DueDelivery] = {}

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
        rows = list(self._under_way.values())
        busy = {row.webhook_id for row in rows}
        full = {owner for owner, ways in Counter(row.owner for row in rows).items() if ways >= AT_ONCE_TO_ONE_OWNER}
        async with self._dependencies.begin(Work, ITSELF) as work:
            claimed = await WebhookStore(work.connection).claim(
                work.now, work.now + ANSWERED_WITHIN, free, per_owner=AT_ONCE_TO_ONE_OWNER, busy=busy, full=full
            )
        for row in claimed:
            task = asyncio.create_task(deliver(self._dependencies, row))
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


async def deliver(dependencies: Dependencies, due: DueDelivery) -> None:
    """Try one delivery, and write down how it ended."""
    now, body = dependencies.clock(), body_of(due.event)
    secrets = secrets_of(dependencies.setup.webhook_key, due.webhook_id, due.generation, due.rotated_at, now)
    try:
        answer = await dependencies.messenger.deliver(due.url, signed_headers(secrets, str(due.id), now, body), body)
    except NotTaken as failure:
        await _failed(dependencies, due, failure)
    else:
        async with dependencies.begin(Work, ITSELF) as work:
            await WebhookStore(work.connection).mark_delivered(due.id, work.now, answer)
            await work.tell(_ended(due, "delivered"))


async def _failed(dependencies: Dependencies, due: DueDelivery, failure: NotTaken) -> None:
    if isinstance(failure, Unreached):
        logger.info("a receiver was not reached", extra={"fields": {"delivery": str(due.id), "why": failure.why}})
    async with dependencies.begin(Work, ITSELF) as work:
        store = WebhookStore(work.connection)
        if isinstance(failure, GoneForGood):
            await store.give_up(due.id, work.now, str(failure))
            await store.end(due.webhook_id, "its receiver answered 410 Gone", work.now)
            await work.tell(AuditEvent("lineage", Action.WEBHOOK_END, f"webhook:{due.webhook_id}"))
        elif due.attempts >= MOST_ATTEMPTS:
            await store.give_up(due.id, work.now, str(failure))
            await work.tell(_ended(due, "given-up"))
        else:
            pause = pause_after(due.attempts, random.random())  # noqa: S311
            await store.put_off(due.id, work.now + pause, str(failure))


def _ended(due: DueDelivery, outcome: str) -> AuditEvent:
    """The end of a delivery, for the log: an outsider can see that an owner was told, or was not."""
    details = {"delivery": str(due.id), "attempts": due.attempts}
    return AuditEvent("lineage", Action.WEBHOOK_DELIVER, f"asset:{due.event['subject']}", outcome, details)
