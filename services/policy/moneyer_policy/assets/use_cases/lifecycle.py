"""What becomes of an asset once it was made: suspended and resumed, withdrawn and substituted, retired."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal
from uuid import UUID

from moneyer_policy.assets.documents.assets import Asset, Lifted, Resumption, Substitution, WithdrawalRequest
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases import copies, stops
from moneyer_policy.assets.use_cases.origin import say_of, terms_of
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases import suspensions
from moneyer_policy.charters.use_cases.charters import check_no_incident
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.gate.store.decisions import StoredPermit
from moneyer_policy.reviews.documents import Reason, ReviewOpened
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import PRODUCER, AssetChangeFacet, DestructionFacet
from moneyer_shared.contracts.policy import AssetState
from moneyer_shared.errors import Conflict, Invalid
from moneyer_shared.journal import AuditEvent

Change = Literal["suspended", "resumed", "withdrawn", "substituted", "retired"]
DESTRUCTION = "cryptographic erase: the only key opens nothing from now on; its share is shredded next"
DROPPED = {
    "_producer": PRODUCER,
    "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/LifecycleStateChangeDatasetFacet.json",
    "lifecycleStateChange": "DROP",
}
"""The dataset is gone, in OpenLineage's own words, so that any reader of its events knows."""


async def _changed(
    work: Work, asset_id: UUID, change: Change, *, because: str | None = None, substitute: UUID | None = None
) -> dict[str, Any]:
    """What became of an asset, as an event for lineage, which tells those who built on it."""
    return await say_of(work, asset_id, _change(change, because, substitute))


def _change(change: Change, because: str | None = None, substitute: UUID | None = None) -> AssetChangeFacet:
    return AssetChangeFacet(change=change, because=because, substitute=str(substitute) if substitute else None)


# --- read ----------------------------------------------------------------------------------------


async def get_asset(work: Work, asset_id: UUID) -> Asset:
    """What an asset is now, and what to use instead, to the end of the chain of substitutes.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    store = AssetStore(work.connection)
    permit = await store.permit_of_run(asset_id)
    return Asset(
        asset_id=asset_id,
        state=(await store.standing(asset_id)).state,
        substitute=await store.last_substitute(asset_id),
        charter_id=permit.charter_id,
        requester=permit.requester,
    )


async def list_asset_states(work: Work, asset: Sequence[UUID]) -> list[AssetState]:
    """What each of these assets is now; those that no permit was given for are left out."""
    standings = await AssetStore(work.connection).standings(asset)
    return [AssetState(asset_id=one, state=standing.state) for one, standing in standings.items()]


# --- for a while -------------------------------------------------------------------------------


async def suspend_asset(work: ChangingRules, asset_id: UUID, asked: Reason) -> None:
    """Stop an asset at once: one person may.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    await suspend(work, asset_id, reason=asked.reason)


async def suspend(
    work: Work, asset_id: UUID, *, reason: str, incident_id: UUID | None = None, review_id: UUID | None = None
) -> None:
    """Stop an asset, also one that is suspended; ``review_id`` is the finding's that lifts it again.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    assets, store = AssetStore(work.connection), CharterStore(work.connection)
    await assets.permit_of_run(asset_id)
    again = (await assets.standing(asset_id)).is_suspended
    await store.suspend(
        "asset", asset_id, reason=reason, incident_id=incident_id, review_id=review_id, by=work.by, at=work.now
    )
    # Why is told to nobody outside yet: it is one person's word, and may be part of an incident.
    lineage = [] if again else [await _changed(work, asset_id, "suspended")]
    await work.tell(AuditEvent(work.by, Action.ASSET_SUSPEND, f"asset:{asset_id}"), lineage=lineage)


async def resume_asset(work: ChangingRules, asset_id: UUID, asked: Reason) -> ReviewOpened:
    """Ask for a suspended asset to be read again; a vote decides, on the suspensions that stand now.

    Raises:
        NotFound: no permit was given for such an asset.
        Conflict: it is not suspended, or it was withdrawn.
    """
    store = AssetStore(work.connection)
    permit = await store.permit_of_run(asset_id)
    named = await suspensions.named(work.connection, "asset", asset_id)
    (await store.standing(asset_id)).check_not_withdrawn()
    return await _put_up(work, "resumption", permit, asked.reason, suspensions=named)


async def conclude_resumption(decided: Decided) -> Mapping[str, object]:
    """The suspensions that were voted on are lifted; others that came since stand."""
    if not decided.approved:
        return {"resumed": False}
    voted = Resumption.model_validate(decided.row.document)
    # One that was asked for before suspensions were named lifts none: nobody knows which were voted on.
    named = {one.id for one in voted.suspensions}
    lifted = await lift(decided.work, voted.kind, voted.subject, named, review_id=decided.row.id)
    return {"resumed": not lifted.suspended, **lifted.model_dump(mode="json")}


async def lift(work: Work, kind: str, subject: UUID, named: AbstractSet[UUID], *, review_id: UUID) -> Lifted:
    """Lift the named suspensions of a subject that still stand; it runs again once none does, and that is told."""
    store = CharterStore(work.connection)
    present = [row.id for row in await store.suspensions_of(kind, subject)]
    lifted = [one for one in present if one in named]
    found = Lifted(lifted=lifted, suspended=len(lifted) < len(present))
    if not lifted:
        return found
    await store.lift(lifted, f"review:{review_id}", work.now)
    runs = kind == "asset" and not found.suspended
    lineage = [await _changed(work, subject, "resumed")] if runs else []
    action = Action(f"{kind}.lift" if found.suspended else f"{kind}.resume")
    event = AuditEvent("policy", action, f"{kind}:{subject}", details={"lifted": [str(one) for one in lifted]})
    await work.tell(event, lineage=lineage)
    return found


# --- for good ------------------------------------------------------------------------------------


async def withdraw_asset(work: ChangingRules, asset_id: UUID, asked: WithdrawalRequest) -> ReviewOpened:
    """Ask for an asset to be read no more and its users told; a vote decides.

    Raises:
        NotFound: no permit was given for such an asset, or nothing was decided on it.
        Conflict: it was withdrawn.
        Forbidden: it was not released.
        Invalid: the substitute cannot be read itself.
    """
    store = AssetStore(work.connection)
    permit = await store.permit_of_run(asset_id)
    standing = await store.standing(asset_id)
    standing.check_not_withdrawn()
    standing.check_released()
    if asked.substitute is not None:
        await check_substitute(work, asset_id, asked.substitute)
    substitute = str(asked.substitute) if asked.substitute else ""
    return await _put_up(work, "withdrawal", permit, asked.reason, substitute=substitute)


async def retire_asset(work: ChangingRules, asset_id: UUID, asked: Reason) -> ReviewOpened:
    """Ask for an asset's key to be destroyed; a vote decides.

    Raises:
        NotFound: no permit was given for such an asset.
        Conflict: an incident looks into it.
    """
    permit = await AssetStore(work.connection).permit_of_run(asset_id)
    await check_no_incident(work, "asset", asset_id)
    return await _put_up(work, "retirement", permit, asked.reason)


async def _put_up(
    work: Work, kind: Literal["resumption", "withdrawal", "retirement"], permit: StoredPermit, reason: str, **more: Any
) -> ReviewOpened:
    """Open the review of what is asked for, by the quorum of the version that the asset was made under."""
    charter = (await terms_of(work, permit)).charter
    matter = reviews.Matter(
        kind=kind,
        subject=f"asset:{permit.run_id}",
        document={"kind": "asset", "subject": str(permit.run_id), "reason": reason} | more,
        charter_id=permit.charter_id,
        quorum=charter.quorum_for(kind),
    )
    return await reviews.put_up(work, matter)


async def check_substitute(work: Work, asset_id: UUID, substitute: UUID) -> None:
    """Whether an asset can stand in for another: released, neither destroyed nor stopped, nor what it goes back to.

    So no chain of substitutes leads back to where it began.

    Raises:
        Invalid: it cannot.
    """
    if substitute == asset_id:
        raise Invalid("An asset does not stand in for itself.", code="substitute-unfit")
    (await AssetStore(work.connection).standing(substitute)).check_substitute()
    for stop in await stops.of_asset(work.connection, substitute, work.now):
        raise Invalid(f"Asset {substitute} cannot stand in: {stop}.", code="substitute-unfit")


async def conclude_withdrawal(decided: Decided) -> Mapping[str, object]:
    """Let nobody read an asset any more, and tell those who may have; its key and its knowledge stay."""
    if not decided.approved:
        return {"withdrawn": False}
    work, document = decided.work, decided.row.document
    asset_id = UUID(document["subject"])
    substitute = await _still_fit(work, asset_id, document["substitute"])
    instead = f" Use asset {substitute} instead." if substitute else ""
    await _withdraw(work, asset_id, substitute, document["reason"], "withdrawn")
    for reader in sorted({grant.subject for grant in await AssetStore(work.connection).grants(asset_id)}):
        message = f"The asset was withdrawn.{instead}"
        calendar = CalendarStore(work.connection)
        await calendar.notify(reader, "asset.withdrawn", f"asset:{asset_id}", message, work.now)
    await copies.tell_owners(work, asset_id, "copy.outside", f"The asset was withdrawn.{instead}")
    return {"withdrawn": True}


async def _still_fit(work: Work, asset_id: UUID, named: str) -> UUID | None:
    """The substitute that was voted on; none if it was stopped itself while the votes were cast."""
    if not named:
        return None
    try:
        await check_substitute(work, asset_id, UUID(named))
    except Invalid:
        return None
    return UUID(named)


async def substitute_asset(work: ChangingRules, asset_id: UUID, asked: Substitution) -> None:
    """Say what to use instead of an asset that was withdrawn.

    Raises:
        NotFound: no permit was given for such an asset.
        Conflict: it was not withdrawn.
        Invalid: the substitute cannot be read itself.
    """
    store = AssetStore(work.connection)
    await store.permit_of_run(asset_id)
    standing = await store.standing(asset_id)
    standing.check_withdrawn()
    if standing.substitute == asked.substitute:
        return
    await check_substitute(work, asset_id, asked.substitute)
    await _withdraw(work, asset_id, asked.substitute, asked.reason, "substituted")


async def _withdraw(
    work: Work, asset_id: UUID, substitute: UUID | None, because: str, change: Literal["withdrawn", "substituted"]
) -> None:
    await AssetStore(work.connection).add_withdrawal(
        asset_id=asset_id, substitute=substitute, because=because, withdrawn_by=work.by, at=work.now
    )
    action = Action.ASSET_WITHDRAW if change == "withdrawn" else Action.ASSET_SUBSTITUTE
    details = {"substitute": str(substitute) if substitute else None}
    lineage = [await _changed(work, asset_id, change, because=because, substitute=substitute)]
    event = AuditEvent(work.by, action, f"asset:{asset_id}", details=details, shown={"because": because})
    await work.tell(event, lineage=lineage)


async def end_asset(work: Work, asset_id: UUID) -> None:
    """Let an asset's key open nothing any more; ``destruction.destroy_due`` shreds it and certifies that.

    Raises:
        Conflict: an incident looks into it, or no paid run made it.
    """
    connection, now = work.connection, work.now
    await check_no_incident(work, "asset", asset_id)
    store = AssetStore(connection)
    permit = await store.permit_of_run(asset_id)
    if permit.asset_key_id is None:
        raise Conflict("No paid run made this asset.", code="not-redeemed")
    await store.destroy_key(permit.asset_key_id, now)
    event = AuditEvent("policy", Action.ASSET_RETIRE, f"asset:{asset_id}", details={"key": str(permit.asset_key_id)})
    destroyed = DestructionFacet(key=str(permit.asset_key_id), destroyed_at=now.isoformat(), method=DESTRUCTION)
    dropped = {"lifecycleStateChange": DROPPED}
    lineage = await say_of(work, asset_id, _change("retired"), destroyed, dataset_facets=dropped)
    await work.tell(event, lineage=[lineage])
    await copies.tell_owners(work, asset_id, "copy.outside", "The asset was retired and its key destroyed.")
