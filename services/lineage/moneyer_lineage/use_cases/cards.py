"""Cards composed when something becomes of an asset, published, and answered by the public."""

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from moneyer_lineage.domain.cards import Told, asset_card, charter_card, has_card
from moneyer_lineage.domain.changes import standing
from moneyer_lineage.store.cards import CardStore
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import record_act
from moneyer_lineage.use_cases.records import record
from moneyer_shared.canonical import digest
from moneyer_shared.errors import MoneyerError, NotFound, TooMany
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent

logger = logging.getLogger("moneyer.cards")
AT_ONCE = 200
SMALLEST_PUBLIC_COUNT = 5
BUSY_AGAIN = timedelta(minutes=1)
STRANGERS = "public"
"""Under whose name it is kept what people without a token were answered."""


async def publish(archive: Archive) -> int:
    """Compose the cards of assets that something became of; how many were brought up to date.

    One that cannot be composed now, because a peer is away or its table was never told of, waits and holds nobody up.
    """
    async with archive.database.transaction() as connection:
        waiting = await CardStore(connection).waiting(AT_ONCE)
    done = 0
    for row in waiting:
        try:
            await _publish_one(archive, row.asset_id, row.up_to)
            done += 1
        except MoneyerError as error:
            logger.warning("a card waits", extra={"fields": {"asset": row.asset_id, "reason": error.problem_code}})
    return done


async def _publish_one(archive: Archive, asset_id: str, up_to: datetime) -> None:
    async with archive.database.transaction() as connection:
        changes = (await ImpactStore(connection).changes([asset_id], None))[asset_id]
    told: Told | None = None
    if has_card([one.state for one in changes]):
        known, dossier = await record(archive, UUID(asset_id)), await archive.tellers.dossier(UUID(asset_id))
        if not known.get("generation"):
            raise NotFound(f"The table of asset {asset_id} was not told of yet.")
        told = Told(known, dossier, standing(changes), archive.curator)
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = CardStore(connection)
        await store.told(asset_id, up_to, now)
        if told is None:
            return
        level, card = told.disclosure, asset_card(told, told.disclosure)
        charter = told.dossier["charter"]
        await store.put(
            {"asset_id": asset_id, "charter_id": charter["id"], "level": level, "card": card, "composed_at": now}
        )  # fmt: skip
        await store.put_charter({
            "charter_id": charter["id"], "level": level, "version": charter["version"],
            "card": charter_card(told), "composed_at": now,
        })  # fmt: skip
        details = {"digest": digest(card), "full": digest(asset_card(told, "full"))}
        event = AuditEvent("lineage", "card.publish", f"asset:{asset_id}", level, details)
        await record_act(connection, event, now)


# --- read and answered in public ----------------------------------------------------------------


async def figures(archive: Archive) -> dict[str, Any]:
    """What was asked under charters that disclose anything, and what became of it; small counts are not told."""
    async with archive.database.transaction() as connection:
        store = CardStore(connection)
        counted, states = await store.counts(), await store.states()
    return {
        "plans": {name: _shown(count) for name, count in counted.items()},
        "assets": {state: _shown(count) for state, count in sorted(states.items())},
    }


def _shown(count: int) -> int | None:
    return count if count == 0 or count >= SMALLEST_PUBLIC_COUNT else None


class Throttle:
    """So many in a minute, from everybody together: what strangers send is bounded, whoever they say they are."""

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self._most = most
        self._clock = clock
        self._taken: deque[datetime] = deque()

    def take(self) -> None:
        """Raises TooMany: there were too many in the last minute."""
        now = self._clock()
        while self._taken and self._taken[0] <= now - BUSY_AGAIN:
            self._taken.popleft()
        if len(self._taken) >= self._most:
            raise TooMany("Too many messages just now; try again in a minute.", headers={"Retry-After": "60"})
        self._taken.append(now)


async def hear_public(archive: Archive, throttle: Throttle, *, asset: UUID, message: str, key: str | None) -> None:
    """Hand feedback of somebody outside to policy, where it is triaged like any other.

    Raises:
        NotFound: the asset has no card.
        TooMany: too many spoke in the last minute.
        Unavailable: policy does not answer; nothing was kept.
    """
    # Strangers choose alike: a key stands for this message alone.
    once = digest([key, str(asset), message]) if key else str(uuid4())
    attempt = Attempt(once if key else None, once)
    if await attempt.answered_before(archive.database, STRANGERS):
        return
    async with archive.database.transaction() as connection:
        if await CardStore(connection).one(str(asset)) is None:
            raise NotFound(f"There is no card of asset {asset}.")
    throttle.take()
    await archive.tellers.feedback(about=str(asset), message=message, key=once)
    async with archive.database.transaction() as connection:
        if await attempt.answered(connection, STRANGERS) is None:
            await attempt.keep(connection, STRANGERS, Reply(202, None))
