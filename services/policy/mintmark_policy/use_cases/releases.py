"""What leaves quarantine, and who may read it (I2)."""

import uuid
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mintmark_policy.domain.charter import Charter, read_charter, state_now
from mintmark_policy.domain.permit import made_an_asset
from mintmark_policy.domain.release import Interval, weigh
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.store.decisions import DecisionStore
from mintmark_policy.tables import journal
from mintmark_policy.use_cases.office import Office
from mintmark_shared.contracts.policy import ReleaseRequest
from mintmark_shared.errors import Conflict, Forbidden, Invalid
from mintmark_shared.idempotency import Reply, once
from mintmark_shared.journal import AuditEvent, dataset, openlineage_event


async def decide_release(office: Office, request: ReleaseRequest, *, by: str, key: str) -> Reply:
    """Hold an assay against the charter's acceptance criteria, by bounds."""
    now = office.clock()
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            store = DecisionStore(connection)
            if await store.is_decided(request.asset_id):
                raise Conflict("The asset has been decided on.", code="already-decided")
            permit = await store.permit_of_run(request.asset_id)
            if not made_an_asset(permit.state, permit.outcome):
                raise Conflict("No paid run made this asset.", code="not-redeemed")
            row = await CharterStore(connection).by_digest(permit.charter_id, permit.charter_digest)
            charter = read_charter(row.document, row.digest)
            body = _judge(request, charter, now)
            await store.add_release(
                {
                    "id": UUID(body["id"]),
                    "asset_id": request.asset_id,
                    "assay_id": request.assay_id,
                    "permit_id": permit.id,
                    "verdict": body["verdict"],
                    "document": body,
                    "decided_at": now,
                }
            )
            if body["verdict"] == "released":
                await _grant_requester(store, request.asset_id, permit, charter, row.document, now)
            await _journal_release(connection, body, by, now)
            return Reply(201, body)

        return await once(
            connection,
            office.idempotency,
            caller=by,
            key=key,
            request=request.model_dump(mode="json"),
            effect=effect,
        )


def _judge(request: ReleaseRequest, charter: Charter, now: datetime) -> dict[str, Any]:
    intervals = {
        estimate.metric: Interval(estimate.value, estimate.lower, estimate.upper) for estimate in request.estimates
    }
    results = weigh(charter.acceptance, intervals)
    return {
        "id": str(uuid.uuid4()),
        "asset_id": str(request.asset_id),
        "assay_id": str(request.assay_id),
        "verdict": "released" if all(result.met for result in results) else "rejected",
        "criteria": [asdict(result) for result in results],
        "charter_digest": charter.digest,
        "decided_at": now.isoformat(),
    }


async def _grant_requester(
    store: DecisionStore, asset_id: UUID, permit: Any, charter: Charter, document: Any, now: datetime
) -> None:
    """The permit named requester and use case and the committee allowed them: the release carries a grant."""
    decision = await store.decision(permit.decision_id)
    retained = now + timedelta(days=document["retention_days"])
    await store.add_grant(
        asset_id=asset_id,
        subject=permit.requester,
        use_case=decision.request["plan"]["use_case"],
        granted_by="release",
        at=now,
        valid_until=min(charter.expires_at, retained),
    )


async def _journal_release(connection: Any, body: dict[str, Any], by: str, now: datetime) -> None:
    missed = [entry["metric"] for entry in body["criteria"] if not entry["met"]]
    details = {"assay": body["assay_id"], "charter_digest": body["charter_digest"], "missed": missed}
    event = AuditEvent(by, "asset.decide", f"asset:{body['asset_id']}", body["verdict"], details)
    lineage = openlineage_event(
        at=now,
        event_type="OTHER",
        run_id=body["asset_id"],
        job="generation.run",
        outputs=[dataset("asset", body["asset_id"])],
        facets={"mintmark_release": body},
    )
    await journal.record(connection, now, event, lineage=[lineage])


async def release_of(office: Office, asset_id: UUID) -> Any:
    async with office.database.transaction() as connection:
        return (await DecisionStore(connection).release_of(asset_id)).document


async def grant(
    office: Office,
    *,
    asset_id: UUID,
    subject: str,
    use_case: str,
    valid_until: datetime,
    by: str,
    key: str | None,
) -> Reply:
    """Let somebody else read a released asset for a use case its charter lists."""
    if subject == by:
        raise Forbidden("Nobody grants access to themself.", code="own-matter")
    now = office.clock()
    if valid_until <= now:
        raise Invalid("valid_until must lie in the future.", code="grant-expired")
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            store = DecisionStore(connection)
            await _released(store, asset_id)
            permit = await store.permit_of_run(asset_id)
            row = await CharterStore(connection).by_digest(permit.charter_id, permit.charter_digest)
            charter = read_charter(row.document, row.digest)
            if use_case not in charter.use_cases or use_case in charter.prohibited_uses:
                raise Forbidden("The charter does not list this use case.", code="use-case-not-listed")
            made = await store.add_grant(
                asset_id=asset_id, subject=subject, use_case=use_case, granted_by=by, at=now,
                valid_until=min(valid_until, charter.expires_at),
            )  # fmt: skip
            event = AuditEvent(by, "asset.grant", f"asset:{asset_id}", details={"grant": str(made)})
            await journal.record(connection, now, event)
            return Reply(201, {"id": str(made), "asset_id": str(asset_id), "subject": subject})

        request = {
            "grant": str(asset_id),
            "subject": subject,
            "use": use_case,
            "until": valid_until.isoformat(),
        }
        return await once(connection, office.idempotency, caller=by, key=key, request=request, effect=effect)


async def _released(store: DecisionStore, asset_id: UUID) -> None:
    release = await store.release_of(asset_id)
    if release.verdict != "released":
        raise Forbidden("The asset was rejected and stays in quarantine.", code="not-released")


async def unlock(office: Office, asset_id: UUID, *, subject: str, by: str) -> dict[str, str]:
    """The key of a released asset, for a holder of a grant under a charter still in force.

    Raises:
        NotFound: the asset has not been decided on.
        Forbidden: it was rejected, or the subject holds no valid grant.
        Gone: the key was destroyed.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        store = DecisionStore(connection)
        await _released(store, asset_id)
        held = [entry for entry in await store.grants(asset_id) if entry.subject == subject]
        if not any(now < entry.valid_until for entry in held):
            raise Forbidden("You hold no valid grant for this asset; ask a steward.", code="no-grant")
        permit = await store.permit_of_run(asset_id)
        row = await CharterStore(connection).by_digest(permit.charter_id, permit.charter_digest)
        if state_now(row.state, datetime.fromisoformat(row.document["expires_at"]), now) == "expired":
            raise Forbidden("The charter this asset was made under has expired.", code="charter-expired")
        key = await store.key(permit.asset_key_id)
        opened = office.keyring.unwrap(key.wrapped if key else None, resource=f"asset:{asset_id}")
        event = AuditEvent(subject, "asset.read", f"asset:{asset_id}", details={"through": by})
        await journal.record(connection, now, event)
        return {"id": str(permit.asset_key_id), "key": opened}
