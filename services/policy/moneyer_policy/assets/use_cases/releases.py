"""What leaves quarantine, and who may read it (I2)."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.rules.release import Interval, judge, weigh
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases import stops
from moneyer_policy.assets.use_cases.keyring import Opening
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.charters.rules.charter import Charter, read_charter
from moneyer_policy.charters.rules.looks import telling_of
from moneyer_policy.charters.store import CharterStore, state_of
from moneyer_policy.charters.use_cases.charters import suspend_within
from moneyer_policy.charters.use_cases.governing import governing
from moneyer_policy.gate.rules.permit import made_an_asset
from moneyer_policy.gate.use_cases import looks
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.figures import told
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.contracts.evaluation import Estimate
from moneyer_shared.contracts.policy import ReleaseRequest
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent, dataset, job_of_runs, openlineage_event
from moneyer_shared.leaves import Word

ReleaseKind = Literal["release", "blended-release"]


async def decide_release(office: Office, request: ReleaseRequest, *, by: str, attempt: Attempt) -> Reply:
    """Hold an assay against the charter's acceptance criteria and review triggers, by bounds."""
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = AssetStore(connection)
        if await store.is_decided(request.asset_id):
            raise Conflict("The asset has been decided on.", code="already-decided")
        permit = await store.permit_of_run(request.asset_id)
        if not made_an_asset(permit.state, permit.outcome):
            raise Conflict("No paid run made this asset.", code="not-redeemed")
        charter, document = await charter_of(connection, permit, now)
        plan = await plan_of(store, permit)
        kind: ReleaseKind = "blended-release" if plan.get("blend") else "release"
        present = await governing(connection, permit.charter_id, now)
        voted_on = kind != "release" or kind in {*charter.reviews, *present.reviews}
        body = _judge(request, charter, plan, now, voted_on=voted_on)
        decision = await store.decision(permit.decision_id)
        if (rejected := await looks.rejected_sibling(connection, request.asset_id, decision)) is not None:
            _hold(body, rejected)
        if body["verdict"] == "review":
            body["review_id"] = str(await _open_review(office, connection, body, charter, permit, kind, by, now))
        await _write(connection, body, permit, charter, document, by, now)
        if body.pop("suspend"):
            reason = f"A review trigger asks for it: {', '.join(body['triggered'])}."
            charter_id = permit.charter_id
            await suspend_within(connection, charter_id, reason=reason, incident_id=None, by="policy", now=now)
        return await attempt.keep(connection, by, Reply(201, body))


async def charter_of(connection: AsyncConnection, permit: Any, now: datetime) -> tuple[Charter, Any]:
    """The charter version an asset was made under, and its document."""
    store, digest = CharterStore(connection), permit.charter_digest
    row = await store.by_digest(permit.charter_id, digest, now, decided_at=permit.made_at)
    return read_charter(row.document, row.digest), row.document


async def plan_of(store: AssetStore, permit: Any) -> dict[str, Any]:
    """The plan a permit was given for."""
    plan: dict[str, Any] = (await store.decision(permit.decision_id)).request["plan"]
    return plan


def _hold(body: dict[str, Any], rejected: UUID) -> None:
    """Tables drawn at once from one model do not race past the first rejection: the others are released by vote."""
    if body["verdict"] == "released":
        body["verdict"] = "review"
        body["triggered"] = [*body["triggered"], f"{looks.REJECTED}: {rejected}"]


def intervals_of(estimates: Sequence[Estimate]) -> dict[str, Interval]:
    return {one.metric: Interval(one.value, one.lower, one.upper, one.n) for one in estimates}


async def job_of(connection: AsyncConnection, asset_id: UUID) -> str:
    """The OpenLineage job that an asset's run is one of."""
    store = AssetStore(connection)
    return job_of_runs(await plan_of(store, await store.permit_of_run(asset_id)))


def _judge(
    request: ReleaseRequest, charter: Charter, plan: Mapping[str, Any], now: datetime, *, voted_on: bool
) -> dict[str, Any]:
    """What becomes of an asset; one with real rows in it is never released without a vote."""
    intervals = intervals_of(request.estimates)
    results = weigh(charter.criteria_for(plan["use_case"]), intervals)
    judged = judge(results, charter.triggers, intervals, reviewed=voted_on)
    return {
        "id": str(uuid.uuid4()),
        "asset_id": str(request.asset_id),
        "assay_id": str(request.assay_id),
        "round": 0,
        "verdict": judged.verdict,
        "criteria": [asdict(result) for result in results],
        "figures": telling_of(plan),
        "triggered": list(judged.triggered),
        "charter_digest": charter.digest,
        "decided_at": now.isoformat(),
        "review_id": None,
        "suspend": judged.suspend,
    }


async def _open_review(
    office: Office,
    connection: AsyncConnection,
    body: dict[str, Any],
    charter: Charter,
    permit: Any,
    kind: ReleaseKind,
    by: str,
    now: datetime,
) -> UUID:
    matter = reviews.Matter(
        kind=kind,
        subject=f"asset:{body['asset_id']}",
        document={name: value for name, value in body.items() if name != "suspend"},
        charter_id=permit.charter_id,
        quorum=charter.quorum_for(kind),
    )
    return await reviews.open_review(work_of(office, connection, by, now), matter)


async def _write(
    connection: AsyncConnection,
    body: dict[str, Any],
    permit: Any,
    charter: Charter,
    document: Any,
    by: str,
    now: datetime,
) -> None:
    store = AssetStore(connection)
    await store.add_release(
        {
            "id": UUID(body["id"]),
            "asset_id": UUID(body["asset_id"]),
            "round": body["round"],
            "assay_id": UUID(body["assay_id"]),
            "permit_id": permit.id,
            "verdict": body["verdict"],
            "document": {name: value for name, value in body.items() if name != "suspend"},
            "decided_at": now,
        }
    )
    if body["verdict"] == "released":
        await _grant_requester(store, UUID(body["asset_id"]), permit, charter, document, now)
    await _journal_release(connection, body, by, now)


async def conclude_release(decided: Decided) -> dict[str, Any]:
    """What the votes made of an asset that was held for review."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    asset_id = UUID(row.document["asset_id"])
    permit = await AssetStore(connection).permit_of_run(asset_id)
    charter, document = await charter_of(connection, permit, now)
    verdict = "released" if state == "approved" else "rejected"
    body = row.document | {
        "id": str(uuid.uuid4()),
        "round": 1,
        "verdict": verdict,
        "decided_at": now.isoformat(),
        "review_id": str(row.id),
    }
    await _write(connection, body, permit, charter, document, "policy", now)
    return {"verdict": verdict}


async def _grant_requester(
    store: AssetStore, asset_id: UUID, permit: Any, charter: Charter, document: Any, now: datetime
) -> None:
    """The permit named requester and use case and the committee allowed them: the release carries a grant."""
    retained = now + timedelta(days=document["retention_days"])
    await store.add_grant(
        asset_id=asset_id,
        subject=permit.requester,
        use_case=(await plan_of(store, permit))["use_case"],
        granted_by="release",
        at=now,
        valid_until=min(charter.expires_at, retained),
    )


async def _journal_release(connection: AsyncConnection, body: dict[str, Any], by: str, now: datetime) -> None:
    missed = [Word(entry["metric"]) for entry in body["criteria"] if not entry["met"]]
    details = {"assay": body["assay_id"], "charter_digest": body["charter_digest"], "missed": missed}
    decided = {name: value for name, value in told(body, raw=False).items() if name != "suspend"}
    shown = {"release": decided}
    event = AuditEvent(by, "asset.decide", f"asset:{body['asset_id']}", body["verdict"], details, shown=shown)
    job = await job_of(connection, UUID(body["asset_id"]))
    await journal.record(connection, now, event, lineage=[said_of(body["asset_id"], now, job, moneyer_release=decided)])


def said_of(
    asset_id: str,
    now: datetime,
    job: str,
    *,
    dataset_facets: Mapping[str, Any] | None = None,
    **facets: Mapping[str, Any],
) -> dict[str, Any]:
    """What policy says of an asset, as an event of the run that made it."""
    return openlineage_event(
        at=now,
        event_type="OTHER",
        run_id=asset_id,
        job=job,
        outputs=[dataset("asset", asset_id) | {"facets": dict(dataset_facets or {})}],
        facets=facets,
    )


async def release_of(office: Office, asset_id: UUID, *, raw: bool) -> dict[str, Any]:
    async with office.database.transaction() as connection:
        return told((await AssetStore(connection).release_of(asset_id)).document, raw=raw)


# --- grants -------------------------------------------------------------------------------


async def grant(
    office: Office,
    *,
    asset_id: UUID,
    subject: str,
    use_case: str,
    valid_until: datetime,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Let somebody else read a released asset for a use case its charter lists; after a vote if the charter says."""
    if subject == by:
        raise Forbidden("Nobody grants access to themself.", code="own-matter")
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if valid_until <= now:
            raise Invalid("valid_until must lie in the future.", code="grant-expired")
        store = AssetStore(connection)
        await check_released(store, asset_id)
        if await store.withdrawal(asset_id) is not None:
            raise Conflict("The asset was withdrawn.", code="asset-withdrawn")
        permit = await store.permit_of_run(asset_id)
        charter, _ = await charter_of(connection, permit, now)
        present = await governing(connection, permit.charter_id, now)
        if not all(one.lets(use_case) for one in (charter, present)):
            raise Forbidden("The charter does not list this use case.", code="use-case-not-listed")
        document = {
            "asset_id": str(asset_id),
            "subject": subject,
            "use_case": use_case,
            "valid_until": min(valid_until, charter.expires_at, present.expires_at).isoformat(),
            "granted_by": by,
        }
        if "grant" in {*charter.reviews, *present.reviews}:
            reply = await _review_grant(office, connection, document, charter, permit.charter_id, by, now)
            return await attempt.keep(connection, by, reply)
        made = await _give_grant(connection, document, now)
        body = {"id": str(made), "asset_id": str(asset_id), "subject": subject}
        return await attempt.keep(connection, by, Reply(201, body))


async def _review_grant(
    office: Office,
    connection: AsyncConnection,
    document: dict[str, str],
    charter: Charter,
    charter_id: UUID,
    by: str,
    now: datetime,
) -> Reply:
    matter = reviews.Matter(
        kind="grant",
        subject=f"asset:{document['asset_id']}:{document['subject']}:{document['use_case']}",
        document=document,
        named=(document["subject"],),
        charter_id=charter_id,
        quorum=charter.quorum_for("grant"),
    )
    review_id = await reviews.open_review(work_of(office, connection, by, now), matter)
    body = {"review_id": str(review_id), "asset_id": document["asset_id"], "subject": document["subject"]}
    return Reply(202, body, {"Location": f"/v1/reviews/{review_id}"})


async def conclude_grant(decided: Decided) -> dict[str, Any]:
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    if state != "approved":
        return {"granted": False}
    return {"granted": True, "grant_id": str(await _give_grant(connection, row.document, now))}


async def _give_grant(connection: AsyncConnection, document: Any, now: datetime) -> UUID:
    asset_id = UUID(document["asset_id"])
    made = await AssetStore(connection).add_grant(
        asset_id=asset_id,
        subject=document["subject"],
        use_case=document["use_case"],
        granted_by=document["granted_by"],
        at=now,
        valid_until=datetime.fromisoformat(document["valid_until"]),
    )
    by, details, people = document["granted_by"], {"grant": str(made)}, {"reader": document["subject"]}
    event = AuditEvent(by, "asset.grant", f"asset:{asset_id}", details=details, people=people)
    await journal.record(connection, now, event)
    return made


async def check_released(store: AssetStore, asset_id: UUID) -> None:
    release = await store.release_of(asset_id)
    if release.verdict != "released":
        raise Forbidden("The asset was rejected or waits for review, and stays in quarantine.", code="not-released")


async def may_read(
    connection: AsyncConnection, asset_id: UUID, subject: str, use_case: str | None, now: datetime
) -> None:
    """Whether somebody may read an asset now.

    Raises:
        NotFound: the asset has not been decided on.
        Forbidden: it was rejected, withdrawn, suspended, or outlived its charter; what it was made from is suspended;
            or the subject holds no valid grant for a use that is not prohibited now.
    """
    store, charters = AssetStore(connection), CharterStore(connection)
    await check_released(store, asset_id)
    if (withdrawn := await store.withdrawal(asset_id)) is not None:
        instead = f" Use asset {withdrawn.substitute} instead." if withdrawn.substitute else ""
        raise Forbidden(f"The asset was withdrawn.{instead}", code="asset-withdrawn")
    if await charters.is_suspended("asset", asset_id):
        raise Forbidden("The asset is suspended while an incident is looked into.", code="asset-suspended")
    permit = await store.permit_of_run(asset_id)
    await _check_grants(connection, asset_id, permit.charter_id, subject, use_case, now)
    row = await charters.by_digest(permit.charter_id, permit.charter_digest, now, decided_at=permit.made_at)
    suspended = await charters.is_suspended("charter", permit.charter_id)
    state = "suspended" if suspended else state_of(row, now)
    if state in {"suspended", "expired", "retired"}:
        raise Forbidden(f"The charter this asset was made under is {state}.", code=f"charter-{state}")
    for stop in await stops.of_asset(connection, asset_id, now):
        raise Forbidden(f"The {stop}, and this asset goes back to it.", code=f"{stop.kind}-{stop.state}")


async def _check_grants(
    connection: AsyncConnection, asset_id: UUID, charter_id: UUID, subject: str, use_case: str | None, now: datetime
) -> None:
    """Whether somebody holds a valid grant for a use that the version in force now does not prohibit.

    Raises:
        Forbidden: they hold none, or what they hold was prohibited by vote since.
    """
    held = [
        entry.use_case
        for entry in await AssetStore(connection).grants(asset_id)
        if entry.subject == subject and use_case in {None, entry.use_case} and now < entry.valid_until
    ]
    if not held:
        raise Forbidden("You hold no valid grant for this asset; ask a steward.", code="no-grant")
    prohibited = (await governing(connection, charter_id, now)).prohibited_uses
    if prohibited.issuperset(held):
        raise Forbidden(
            f"The charter in force prohibits {', '.join(sorted(set(held)))}; ask for a grant for another use.",
            code="use-case-prohibited",
        )


async def unlock(office: Office, asset_id: UUID, *, subject: str, by: str) -> dict[str, str]:
    """The key of a released asset, for a holder of a grant under a charter still in force.

    Raises:
        NotFound: the asset has not been decided on.
        Forbidden: it was rejected, suspended, or the subject holds no valid grant for a use not prohibited now.
        Gone: the key was destroyed.
    """
    now = office.clock()
    async with office.opening() as connection:
        await may_read(connection, asset_id, subject, None, now)
        permit = await AssetStore(connection).permit_of_run(asset_id)
        opening = Opening(asset_id, now, released=True)
        (opened,) = await office.keyring.open(connection, [permit.asset_key_id], opening)
        event = AuditEvent(subject, "asset.read", f"asset:{asset_id}", people={"through": by})
        await journal.record(connection, now, event)
        return {"id": str(permit.asset_key_id), "key": opened}
