"""What is found about an asset after it was released: does it still stand?

Evaluation reports re-assays and drift. What breaches the charter stops the asset at once where a trigger says so, and
is put to the committee otherwise; until it has voted the asset stays as it is, and if it does not vote in time the
asset stops.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.rules.release import reconsider, says_no_worse
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.assets.use_cases.recalls import lift, suspend_asset_within
from moneyer_policy.assets.use_cases.releases import charter_of, intervals_of, job_of, plan_of, said_of
from moneyer_policy.charters.rules.looks import telling_of
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.figures import told
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.contracts.policy import FindingRequest
from moneyer_shared.errors import Conflict
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

KIND: Final = "finding"
VOTED_ON = ("asset_id", "cause", "evidence", "criteria", "figures", "triggered")


async def report(office: Office, request: FindingRequest, *, by: str, attempt: Attempt) -> Reply:
    """Hold what was found against the charter the asset was made under.

    Raises:
        NotFound: the asset has not been decided on.
        Conflict: it was not released.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = AssetStore(connection)
        if (await store.release_of(request.asset_id)).verdict != "released":
            raise Conflict("Only a released asset is looked at again.", code="not-released")
        permit = await store.permit_of_run(request.asset_id)
        charter, _ = await charter_of(connection, permit, now)
        plan = await plan_of(store, permit)
        estimates = intervals_of(request.estimates)
        judged = reconsider(charter.criteria_for(plan["use_case"]), charter.triggers, estimates)
        criteria = [
            *(asdict(one) for one in judged.criteria),
            *(one.model_dump(mode="json") for one in request.breaches),
        ]
        breached = judged.breached or any(not one.met for one in request.breaches)
        body: dict[str, Any] = {
            "asset_id": str(request.asset_id),
            "cause": request.cause,
            "evidence": str(request.evidence),
            "criteria": criteria,
            "figures": telling_of(plan),
            "triggered": list(judged.triggered),
            "verdict": "suspended" if judged.suspend else "review" if breached else "stands",
            "review_id": None,
        }
        if breached:
            body["review_id"] = str(await _review(office, connection, body, charter, permit.charter_id, by, now))
        if judged.suspend:
            reason, decides = f"A review trigger asks for it: {body['triggered']}.", UUID(body["review_id"])
            await suspend_asset_within(connection, request.asset_id, reason=reason, review_id=decides, by=by, now=now)
        await _journal(connection, body, by, now)
        return await attempt.keep(connection, by, Reply(201, body))


async def _review(
    office: Office,
    connection: AsyncConnection,
    body: dict[str, Any],
    charter: Any,
    charter_id: UUID,
    by: str,
    now: datetime,
) -> UUID:
    """An open review that says the same or worse of this asset, or a new one: votes are on what was found."""
    subject = f"asset:{body['asset_id']}"
    for one in await ReviewStore(connection).all_open(KIND, subject):
        if says_no_worse(body, one.document):
            return UUID(str(one.id))
    matter = reviews.Matter(
        kind=KIND,
        subject=subject,
        document={name: body[name] for name in VOTED_ON},
        charter_id=charter_id,
        quorum=charter.quorum_for(KIND),
        alone=False,
    )
    return await reviews.open_review(work_of(office, connection, by, now), matter)


async def _journal(connection: AsyncConnection, body: dict[str, Any], by: str, now: datetime) -> None:
    missed = [Word(one["metric"]) for one in body["criteria"] if not one["met"]]
    details = {"cause": Word(body["cause"]), "evidence": body["evidence"], "missed": missed}
    event = AuditEvent(by, "asset.reconsider", f"asset:{body['asset_id']}", body["verdict"], details)
    job = await job_of(connection, UUID(body["asset_id"]))
    lineage = said_of(body["asset_id"], now, job, moneyer_finding=told(body, raw=False))
    await journal.record(connection, now, event, lineage=[lineage])


async def conclude(decided: Decided) -> dict[str, Any]:
    """The committee lets the asset stand, or it stops; without a vote in time it stops too (I6).

    What it lifts is the finding's own stop: who stopped the asset for another reason was not voted on.
    """
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    asset_id = UUID(row.document["asset_id"])
    if state != "approved":
        reason = f"Its review ended {state}."
        await suspend_asset_within(connection, asset_id, reason=reason, by="policy", now=now)
        return {"verdict": "suspended"}
    standing = await CharterStore(connection).suspensions_of("asset", asset_id)
    own = {one.id for one in standing if one.review_id == row.id}
    outcome = await lift(connection, "asset", asset_id, own, review_id=row.id, now=now)
    return {"verdict": "stands", **outcome.told()}
