"""What stops an asset, for a while or for good, and what to use instead."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases import stops
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.assets.use_cases.releases import charter_of, check_released, job_of, said_of
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases import suspensions
from moneyer_policy.charters.use_cases.charters import refuse_evidence
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import Work, work_of
from moneyer_shared.errors import Conflict, Invalid, MoneyerError
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import PRODUCER, AuditEvent

Proposal = Literal["resumption", "withdrawal", "retirement"]
Change = Literal["suspended", "resumed", "withdrawn", "substituted", "retired"]
DESTRUCTION = "cryptographic erase: the only key opens nothing from now on; its share is shredded next"
DROPPED = {
    "_producer": PRODUCER,
    "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/LifecycleStateChangeDatasetFacet.json",
    "lifecycleStateChange": "DROP",
}
"""The dataset is gone, in OpenLineage's own words, so that any reader of its events knows."""


async def changed(
    connection: AsyncConnection,
    asset_id: UUID,
    now: datetime,
    change: Change,
    *,
    because: str | None = None,
    substitute: UUID | None = None,
    dataset_facets: Mapping[str, Any] | None = None,
    **facets: Mapping[str, Any],
) -> dict[str, Any]:
    """What became of an asset, for lineage, which tells those who built on it."""
    instead = str(substitute) if substitute else None
    change_facet = {"change": change, "because": because, "substitute": instead}
    job = await job_of(connection, asset_id)
    return said_of(str(asset_id), now, job, dataset_facets=dataset_facets, moneyer_assetChange=change_facet, **facets)


# --- for a while -------------------------------------------------------------------------------


async def suspend_asset(office: Office, *, asset_id: UUID, reason: str, incident_id: UUID | None, by: str) -> None:
    """Stop an asset at once: one person may."""
    now = office.clock()
    async with office.changing() as connection:
        await suspend_asset_within(connection, asset_id, reason=reason, incident_id=incident_id, by=by, now=now)


async def suspend_asset_within(
    connection: AsyncConnection,
    asset_id: UUID,
    *,
    reason: str,
    incident_id: UUID | None = None,
    review_id: UUID | None = None,
    by: str,
    now: datetime,
) -> None:
    """Stop an asset, also one that is suspended; ``review_id`` is the finding's that lifts it again."""
    await AssetStore(connection).permit_of_run(asset_id)
    store = CharterStore(connection)
    again = await store.is_suspended("asset", asset_id)
    await store.suspend("asset", asset_id, reason=reason, incident_id=incident_id, review_id=review_id, by=by, at=now)
    # Why is told to nobody outside yet: it is one person's word, and may be part of an incident.
    lineage = [] if again else [await changed(connection, asset_id, now, "suspended")]
    await journal.record(connection, now, AuditEvent(by, "asset.suspend", f"asset:{asset_id}"), lineage=lineage)


@dataclass(frozen=True)
class Lifted:
    """Which suspensions a vote lifted, and whether others keep the subject suspended."""

    lifted: tuple[UUID, ...]
    suspended: bool

    def told(self) -> dict[str, Any]:
        return {"lifted": [str(one) for one in self.lifted], "suspended": self.suspended}


async def lift(
    connection: AsyncConnection, kind: str, subject: UUID, named: AbstractSet[UUID], *, review_id: UUID, now: datetime
) -> Lifted:
    """Lift the named suspensions of a subject that still stand; it runs again once none does, and that is told."""
    store = CharterStore(connection)
    standing = [row.id for row in await store.suspensions_of(kind, subject)]
    lifted = tuple(one for one in standing if one in named)
    outcome = Lifted(lifted, len(lifted) < len(standing))
    if not lifted:
        return outcome
    await store.lift(lifted, f"review:{review_id}", now)
    runs = kind == "asset" and not outcome.suspended
    lineage = [await changed(connection, subject, now, "resumed")] if runs else []
    action = f"{kind}.lift" if outcome.suspended else f"{kind}.resume"
    event = AuditEvent("policy", action, f"{kind}:{subject}", details={"lifted": outcome.told()["lifted"]})
    await journal.record(connection, now, event, lineage=lineage)
    return outcome


async def propose(
    office: Office,
    *,
    kind: Proposal,
    asset_id: UUID,
    reason: str,
    substitute: UUID | None = None,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Ask for an asset to be resumed, withdrawn or retired: each takes a vote.

    Raises:
        Conflict: it is in no state for that.
        Invalid: the substitute cannot be read itself.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        permit = await AssetStore(connection).permit_of_run(asset_id)
        charter, _ = await charter_of(connection, permit, now)
        document: dict[str, Any] = {"kind": "asset", "subject": str(asset_id), "reason": reason}
        if kind == "resumption":
            document["suspensions"] = await suspensions.named(connection, "asset", asset_id)
        await _check(office, connection, kind, asset_id, substitute, now)
        if kind == "withdrawal":
            document["substitute"] = str(substitute) if substitute else ""
        matter = reviews.Matter(
            kind=kind,
            subject=f"asset:{asset_id}",
            document=document,
            charter_id=permit.charter_id,
            quorum=charter.quorum_for(kind),
        )
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def _check(
    office: Office,
    connection: AsyncConnection,
    kind: Proposal,
    asset_id: UUID,
    substitute: UUID | None,
    now: datetime,
) -> None:
    store = AssetStore(connection)
    if kind == "retirement":
        await refuse_evidence(office, connection, "asset", asset_id)
    if kind != "retirement" and await store.withdrawal(asset_id) is not None:
        raise Conflict("The asset was withdrawn, and stays so.", code="asset-withdrawn")
    if kind == "withdrawal":
        await check_released(store, asset_id)
    if substitute is not None:
        await check_substitute(connection, asset_id, substitute, now)


# --- for good ------------------------------------------------------------------------------------


async def check_substitute(connection: AsyncConnection, asset_id: UUID, substitute: UUID, now: datetime) -> None:
    """Whether an asset can stand in for another: released, neither destroyed nor stopped, nor what it goes back to.

    So no chain of substitutes leads back to where it began.

    Raises:
        Invalid: it cannot.
    """
    store, says = AssetStore(connection), f"Asset {substitute} cannot stand in"
    if substitute == asset_id:
        raise Invalid("An asset does not stand in for itself.", code="substitute-unfit")
    try:
        await check_released(store, substitute)
    except MoneyerError as error:
        raise Invalid(f"{says}: {error}", code="substitute-unfit") from error
    permit = await store.permit_of_run(substitute)
    key = await store.key(permit.asset_key_id)
    if await store.withdrawal(substitute) is not None or key is None or key.destroyed_at is not None:
        raise Invalid(f"{says}: it was withdrawn or retired itself.", code="substitute-unfit")
    for stop in await stops.of_asset(connection, substitute, now):
        raise Invalid(f"{says}: {stop}.", code="substitute-unfit")


async def conclude_resumption(decided: Decided) -> Mapping[str, Any]:
    """The suspensions that were voted on are lifted; others that came since stand."""
    if not decided.approved:
        return {"resumed": False}
    document, work = decided.row.document, decided.work
    # One that was asked for before suspensions were named lifts none: nobody knows which were voted on.
    named = {UUID(one["id"]) for one in document.get("suspensions", [])}
    kind, subject = document["kind"], UUID(document["subject"])
    outcome = await lift(work.connection, kind, subject, named, review_id=decided.row.id, now=work.now)
    return {"resumed": not outcome.suspended, **outcome.told()}


async def conclude_withdrawal(decided: Decided) -> Mapping[str, Any]:
    """Let nobody read an asset any more, and tell those who may have; its key and its knowledge stay."""
    if not decided.approved:
        return {"withdrawn": False}
    connection, document, now = decided.work.connection, decided.row.document, decided.work.now
    asset_id = UUID(document["subject"])
    substitute = await _still_fit(connection, asset_id, document["substitute"], now)
    instead = f" Use asset {substitute} instead." if substitute else ""
    await _put(connection, asset_id, substitute, document["reason"], by="policy", change="withdrawn", now=now)
    for reader in sorted({grant.subject for grant in await AssetStore(connection).grants(asset_id)}):
        message = f"The asset was withdrawn.{instead}"
        await CalendarStore(connection).notify(reader, "asset.withdrawn", f"asset:{asset_id}", message, now)
    return {"withdrawn": True}


async def _still_fit(connection: AsyncConnection, asset_id: UUID, named: str, now: datetime) -> UUID | None:
    """The substitute that was voted on; none if it was stopped itself while the votes were cast."""
    if not named:
        return None
    try:
        await check_substitute(connection, asset_id, UUID(named), now)
    except Invalid:
        return None
    return UUID(named)


async def substitute_asset(office: Office, *, asset_id: UUID, substitute: UUID, reason: str, by: str) -> None:
    """Say what to use instead of an asset that was withdrawn.

    Raises:
        Conflict: it was not withdrawn.
        Invalid: the substitute cannot be read itself.
    """
    now = office.clock()
    async with office.changing() as connection:
        store = AssetStore(connection)
        await store.permit_of_run(asset_id)
        withdrawn = await store.withdrawal(asset_id)
        if withdrawn is None:
            raise Conflict("Only a withdrawn asset is substituted; withdraw it first.", code="not-withdrawn")
        if withdrawn.substitute == substitute:
            return
        await check_substitute(connection, asset_id, substitute, now)
        await _put(connection, asset_id, substitute, reason, by=by, change="substituted", now=now)


async def _put(
    connection: AsyncConnection,
    asset_id: UUID,
    substitute: UUID | None,
    because: str,
    *,
    by: str,
    change: Literal["withdrawn", "substituted"],
    now: datetime,
) -> None:
    await AssetStore(connection).add_withdrawal(
        asset_id=asset_id, substitute=substitute, because=because, withdrawn_by=by, at=now
    )
    action = "asset.withdraw" if change == "withdrawn" else "asset.substitute"
    details = {"substitute": str(substitute) if substitute else None}
    lineage = [await changed(connection, asset_id, now, change, because=because, substitute=substitute)]
    event = AuditEvent(by, action, f"asset:{asset_id}", details=details, shown={"because": because})
    await journal.record(connection, now, event, lineage=lineage)


async def retire_asset(work: Work, asset_id: UUID) -> None:
    """Let an asset's key open nothing any more; `destruction.destroy_due` shreds it and certifies that.

    Raises:
        Conflict: an incident looks into it.
    """
    connection, now = work.connection, work.now
    await refuse_evidence(work.dependencies, connection, "asset", asset_id)
    store = AssetStore(connection)
    permit = await store.permit_of_run(asset_id)
    if permit.asset_key_id is None:
        raise Conflict("No paid run made this asset.", code="not-redeemed")
    await store.destroy_key(permit.asset_key_id, now)
    event = AuditEvent("policy", "asset.retire", f"asset:{asset_id}", details={"key": str(permit.asset_key_id)})
    destroyed = {"key": str(permit.asset_key_id), "destroyed_at": now.isoformat(), "method": DESTRUCTION}
    dropped = {"lifecycleStateChange": DROPPED}
    lineage = await changed(connection, asset_id, now, "retired", dataset_facets=dropped, moneyer_destruction=destroyed)
    await journal.record(connection, now, event, lineage=[lineage])


# --- how things stand ------------------------------------------------------------------------------


async def asset(office: Office, asset_id: UUID) -> dict[str, Any]:
    """What an asset is now, and what to use instead, to the end of the chain of substitutes.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    async with office.database.transaction() as connection:
        store = AssetStore(connection)
        permit = await store.permit_of_run(asset_id)
        return {
            "asset_id": str(asset_id),
            "state": (await _states(store, [asset_id]))[asset_id],
            "substitute": await _last_substitute(store, asset_id),
            "charter_id": str(permit.charter_id),
            "requester": permit.requester,
        }


async def states(office: Office, assets: Sequence[UUID]) -> Mapping[UUID, str]:
    """What each of these assets is now: the one word on it, which whoever shows an asset asks for."""
    async with office.database.transaction() as connection:
        return await _states(AssetStore(connection), assets)


async def _states(store: AssetStore, assets: Sequence[UUID]) -> Mapping[UUID, str]:
    return {row.asset_id: _state(row) for row in await store.standings(assets)}


def _state(row: Any) -> str:
    """What ended an asset for good outlasts what stopped it, and that what was decided before."""
    if row.is_destroyed:
        return "retired"
    if row.is_withdrawn:
        return "withdrawn"
    if row.is_suspended:
        return "suspended"
    return "quarantined" if row.verdict in {None, "review"} else str(row.verdict)


async def _last_substitute(store: AssetStore, asset_id: UUID) -> str | None:
    """Where the chain of substitutes ends."""
    last = asset_id
    while (withdrawn := await store.withdrawal(last)) is not None and withdrawn.substitute is not None:
        last = withdrawn.substitute
    return str(last) if last != asset_id else None
