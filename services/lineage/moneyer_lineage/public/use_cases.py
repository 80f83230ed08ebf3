"""Cards composed when something becomes of an asset, published, and answered by the public."""

import logging
from uuid import UUID, uuid4

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.public.documents import (
    AnyAssetCard,
    AnyCharterCard,
    CardPage,
    Feedback,
    Figures,
    PublicPage,
)
from moneyer_lineage.public.rules import CardSource, asset_card, charter_card, has_card
from moneyer_lineage.public.store import CardStore, Waiting
from moneyer_lineage.record.rules.changes import standing
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.use_cases.records import record_of
from moneyer_shared.auth import ANYBODY
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import MoneyerError, NotFound
from moneyer_shared.idempotency import Attempt, KeyText, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.paging import PAGE
from moneyer_shared.work import Workflow

logger = logging.getLogger("moneyer.cards")
AT_ONCE = 200
SMALLEST_PUBLIC_COUNT = 5

# --- published -------------------------------------------------------------------------------------


async def publish(dependencies: Dependencies) -> int:
    """Compose the cards of assets that something became of; how many were brought up to date.

    One that cannot be composed now, because a peer is away or its table was never told of, waits and holds nobody up.
    """
    async with dependencies.begin(Work, ITSELF) as work:
        waiting = await CardStore(work.connection).waiting(AT_ONCE)
    done = 0
    for one in waiting:
        try:
            await _publish_one(dependencies, one)
            done += 1
        except MoneyerError as error:
            logger.warning("a card waits", extra={"fields": {"asset": one.asset_id, "reason": error.problem_code}})
    return done


async def _publish_one(dependencies: Dependencies, waiting: Waiting) -> None:
    source = await _source_of(dependencies, waiting.asset_id)
    async with dependencies.begin(Work, ITSELF) as work:
        store = CardStore(work.connection)
        await store.mark_composed(waiting.asset_id, waiting.up_to, work.now)
        if source is None:
            return
        level, card, charter = source.disclosure, asset_card(source, source.disclosure), source.dossier["charter"]
        await store.put(waiting.asset_id, charter["id"], level, card, work.now)
        await store.put_charter(charter["id"], charter["version"], level, charter_card(source), work.now)
        details = {"digest": digest(card), "full": digest(asset_card(source, "full"))}
        await work.tell(AuditEvent("lineage", Action.CARD_PUBLISH, f"asset:{waiting.asset_id}", level, details))


async def _source_of(dependencies: Dependencies, asset_id: str) -> CardSource | None:
    """What an asset's card is composed of; None where it has none.

    Raises:
        NotFound: the asset's table, the assay that its release cites, or the digests it is handed out with, were not
            told of yet.
        Unavailable: policy does not answer.
    """
    async with dependencies.begin(Work, ITSELF, read_only=True) as work:
        changes = (await ChangeStore(work.connection).changes([asset_id], None))[asset_id]
        if not has_card([one.state for one in changes]):
            return None
        record = await record_of(work, UUID(asset_id))
    dossier = await dependencies.evidence.dossier(UUID(asset_id))
    # What services tell comes in any order: a card without an assay would stand until the next change.
    if not record.get("generation") or not record.get("assay"):
        raise NotFound(f"The table of asset {asset_id}, or its assay, was not told of yet.")
    if record["generation"].get("digest_of") and not record.get("delivered"):
        raise NotFound(f"The digests of asset {asset_id} as it is handed out were not told of yet.")
    return CardSource(record, dossier, standing(changes), dependencies.setup.curator)


# --- read in public --------------------------------------------------------------------------------


async def list_cards(work: Work, charter: UUID | None = None, after: UUID | None = None) -> list[AnyAssetCard]:
    """Cards of synthetic tables, the latest first."""
    return await CardStore(work.connection).page(str(charter) if charter else None, after)


async def get_card(work: Work, asset: UUID) -> AnyAssetCard:
    """The card of a synthetic table.

    Raises:
        NotFound: it has none that is disclosed.
    """
    card = await CardStore(work.connection).one(str(asset))
    if card is None:
        raise NotFound(f"There is no card of asset {asset}.")
    return card


async def list_charter_cards(work: Work, after: UUID | None = None) -> list[AnyCharterCard]:
    return await CardStore(work.connection).charters(after)


async def get_charter_card(work: Work, charter: UUID) -> AnyCharterCard:
    """The card of a charter.

    Raises:
        NotFound: it has none that is disclosed.
    """
    card = await CardStore(work.connection).charter(str(charter))
    if card is None:
        raise NotFound(f"There is no card of charter {charter}.")
    return card


async def get_public_figures(work: Work) -> Figures:
    """What was asked under charters that disclose anything, and what became of it; small counts are not told."""
    store = CardStore(work.connection)
    counted, states = await store.counts(), await store.states()
    return Figures(
        plans={name: _unless_small(count) for name, count in counted.items()},
        assets={state: _unless_small(count) for state, count in sorted(states.items())},
    )


def _unless_small(count: int) -> int | None:
    return count if count == 0 or count >= SMALLEST_PUBLIC_COUNT else None


async def get_public_page(work: Work, after: UUID | None = None) -> PublicPage:
    cards = await list_cards(work, after=after)
    charters, figures = await list_charter_cards(work), await get_public_figures(work)
    return PublicPage(cards=cards, charters=charters, figures=figures, more=len(cards) == PAGE)


async def get_card_page(work: Work, asset: UUID, heard: bool = False) -> CardPage:
    return CardPage(card=await get_card(work, asset), heard=heard)


# --- answered by the public ------------------------------------------------------------------------


async def send_public_feedback(
    flow: Workflow[Dependencies], asset: UUID, asked: Feedback, key: KeyText | None = None
) -> None:
    """Hand feedback of somebody outside to policy, where it is triaged like any other.

    Raises:
        NotFound: the asset has no card.
        TooMany: too many spoke in the last minute.
        Unavailable: policy does not answer; nothing was kept.
    """
    await hear_public(flow.dependencies, asset, asked, key)


async def hear_public(dependencies: Dependencies, asset: UUID, asked: Feedback, key: str | None) -> None:
    """The same of a message that came in whatever way."""
    # Strangers choose alike: a key stands for this message alone.
    once = digest([key, str(asset), asked.message]) if key else str(uuid4())
    attempt = Attempt(once if key else None, once)
    if await attempt.answered_before(dependencies.database, ANYBODY.subject):
        return
    async with dependencies.begin(Work, ANYBODY, read_only=True) as work:
        await get_card(work, asset)
    dependencies.throttle.take()
    await dependencies.evidence.feedback(about=str(asset), message=asked.message, key=once)
    async with dependencies.begin(Work, ANYBODY) as work:
        if await attempt.answered(work.connection, work.by) is None:
            await attempt.keep(work.connection, work.by, Reply(202, None))
