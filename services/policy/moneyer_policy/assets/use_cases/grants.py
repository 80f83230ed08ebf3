"""Who may read a released asset (I2)."""

from uuid import UUID

from moneyer_policy.assets.documents.grants import Grant, GrantMade, GrantProposal, GrantRequest
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.store.copies import CopyStore
from moneyer_policy.assets.use_cases import stops
from moneyer_policy.assets.use_cases.keyring import Opening
from moneyer_policy.assets.use_cases.origin import terms_of
from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.store import CharterStore, state_of
from moneyer_policy.charters.use_cases.governing import governing
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, OpeningKeys, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.policy import DataKey, UnlockRequest
from moneyer_shared.errors import Forbidden, Invalid
from moneyer_shared.journal import AuditEvent


async def grant_access(work: ChangingRules, asset_id: UUID, asked: GrantRequest) -> GrantMade:
    """Let somebody else read a released asset for a use case its charter lists; after a vote if the charter says.

    Raises:
        NotFound: the asset has not been decided on.
        Forbidden: it is for oneself, the asset was not released, or the charter does not list the use case.
        Invalid: the grant would have ended.
        Conflict: the asset was withdrawn.
    """
    if asked.subject == work.by:
        raise Forbidden("Nobody grants access to themself.", code="own-matter")
    if asked.valid_until <= work.now:
        raise Invalid("valid_until must lie in the future.", code="grant-expired")
    store = AssetStore(work.connection)
    standing = await store.standing(asset_id)
    standing.check_released()
    standing.check_not_withdrawn()
    permit = await store.permit_of_run(asset_id)
    charter = (await terms_of(work, permit)).charter
    present = await governing(work.connection, permit.charter_id, work.now)
    if not all(one.lets(asked.use_case) for one in (charter, present)):
        raise Forbidden("The charter does not list this use case.", code="use-case-not-listed")
    proposed = GrantProposal(
        asset_id=asset_id,
        subject=asked.subject,
        use_case=asked.use_case,
        valid_until=min(asked.valid_until, charter.expires_at, present.expires_at),
        granted_by=work.by,
    )
    if "grant" in {*charter.reviews, *present.reviews}:
        review_id = await _review(work, proposed, charter, permit.charter_id)
        return GrantMade(review_id=review_id, asset_id=asset_id, subject=asked.subject)
    return GrantMade(id=await _give(work, proposed), asset_id=asset_id, subject=asked.subject)


async def _review(work: Work, proposed: GrantProposal, charter: Charter, charter_id: UUID) -> UUID:
    matter = reviews.Matter(
        kind="grant",
        subject=f"asset:{proposed.asset_id}:{proposed.subject}:{proposed.use_case}",
        document=proposed.model_dump(mode="json"),
        named=(proposed.subject,),
        charter_id=charter_id,
        quorum=charter.quorum_for("grant"),
    )
    return await reviews.open_review(work, matter)


async def conclude_grant(decided: Decided) -> dict[str, object]:
    """An approved grant is given; whether the asset can be read is asked whenever it is."""
    if not decided.approved:
        return {"granted": False}
    given = await _give(decided.work, GrantProposal.model_validate(decided.row.document))
    return {"granted": True, "grant_id": str(given)}


async def _give(work: Work, given: GrantProposal) -> UUID:
    made = await AssetStore(work.connection).add_grant(given, work.now)
    details, people = {"grant": str(made)}, {"reader": given.subject}
    event = AuditEvent(given.granted_by, Action.ASSET_GRANT, f"asset:{given.asset_id}", details=details, people=people)
    await work.tell(event)
    return made


async def list_grants(work: Work, asset_id: UUID) -> list[Grant]:
    """Who may read an asset, the oldest grant first."""
    return await AssetStore(work.connection).grants(asset_id)


# --- reading ---------------------------------------------------------------------------------------


async def check_may_read(work: Work, asset_id: UUID, subject: str, use_case: str | None) -> None:
    """Whether somebody may read an asset now.

    Raises:
        NotFound: the asset has not been decided on.
        Gone: its key was destroyed.
        Forbidden: it was rejected, withdrawn, suspended, or outlived its charter; what it was made from is suspended;
            or the subject holds no valid grant for a use that is not prohibited now.
    """
    store, charters = AssetStore(work.connection), CharterStore(work.connection)
    (await store.standing(asset_id)).check_readable()
    permit = await store.permit_of_run(asset_id)
    await _check_grants(work, asset_id, permit.charter_id, subject, use_case)
    row = await charters.by_digest(permit.charter_id, permit.charter_digest, work.now, decided_at=permit.made_at)
    suspended = await charters.is_suspended("charter", permit.charter_id)
    state = "suspended" if suspended else state_of(row, work.now)
    if state in {"suspended", "expired", "retired"}:
        raise Forbidden(f"The charter this asset was made under is {state}.", code=f"charter-{state}")
    for stop in await stops.of_asset(work.connection, asset_id, work.now):
        raise Forbidden(f"The {stop}, and this asset goes back to it.", code=f"{stop.kind}-{stop.state}")


async def _check_grants(work: Work, asset_id: UUID, charter_id: UUID, subject: str, use_case: str | None) -> None:
    """Whether somebody holds a valid grant for a use that the version in force now does not prohibit.

    Raises:
        Forbidden: they hold none, or what they hold was prohibited by vote since.
    """
    held = [
        entry.use_case
        for entry in await AssetStore(work.connection).grants(asset_id)
        if entry.subject == subject and use_case in {None, entry.use_case} and work.now < entry.valid_until
    ]
    if not held:
        raise Forbidden("You hold no valid grant for this asset; ask a steward.", code="no-grant")
    prohibited = (await governing(work.connection, charter_id, work.now)).prohibited_uses
    if prohibited.issuperset(held):
        raise Forbidden(
            f"The charter in force prohibits {', '.join(sorted(set(held)))}; ask for a grant for another use.",
            code="use-case-prohibited",
        )


async def unlock_asset(work: OpeningKeys, asset_id: UUID, asked: UnlockRequest) -> DataKey:
    """The key of a released asset, for a holder of a grant under a charter still in force.

    Opened for a delivery, a copy outside custody is noted in the same transaction: no copy is without its note.

    Raises:
        NotFound: the asset has not been decided on.
        Forbidden: it was rejected, suspended, or the subject holds no valid grant for a use not prohibited now.
        Gone: the key was destroyed.
    """
    await check_may_read(work, asset_id, asked.subject, None)
    permit = await AssetStore(work.connection).permit_of_run(asset_id)
    opening = Opening(asset_id, work.now, released=True)
    (opened,) = await work.dependencies.keyring.open(work.connection, [permit.asset_key_id], opening)
    assert permit.asset_key_id is not None, "it was opened"
    if asked.delivery is not None:
        await CopyStore(work.connection).add(asset_id, asked.delivery, asked.subject, work.now)
    details = {"delivery": str(asked.delivery)} if asked.delivery is not None else {}
    people = {"through": work.by}
    await work.tell(AuditEvent(asked.subject, Action.ASSET_READ, f"asset:{asset_id}", details=details, people=people))
    return DataKey(id=permit.asset_key_id, key=opened)
