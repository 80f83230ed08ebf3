"""What is found about an asset after it was released: does it still stand?

Evaluation reports re-assays and drift. What breaches the charter stops the asset at once where a trigger says so, and
is put to the committee otherwise; until it has voted the asset stays as it is, and if it does not vote in time the
asset stops.
"""

from typing import Final, Literal
from uuid import UUID

from moneyer_policy.assets.documents.findings import FindingVotedOn
from moneyer_policy.assets.rules.release import reconsider, says_no_worse
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.lifecycle import lift, suspend
from moneyer_policy.assets.use_cases.origin import plan_of, say_of, terms_of
from moneyer_policy.assets.use_cases.releases import intervals_of
from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.rules.looks import precision_of
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.reviews.rules.figures import at_precision
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import CriterionResult
from moneyer_shared.contracts.policy import Finding, FindingRequest
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

KIND: Final = "finding"


async def report_finding(work: ChangingRules, asked: FindingRequest) -> Finding:
    """Hold what was found against the charter the asset was made under.

    Raises:
        NotFound: the asset has not been decided on.
        Conflict: it was not released.
    """
    store = AssetStore(work.connection)
    (await store.standing(asked.asset_id)).check_out("looked at")
    permit = await store.permit_of_run(asked.asset_id)
    charter, plan = (await terms_of(work, permit)).charter, await plan_of(store, permit)
    criteria, estimates = charter.criteria_for(plan.use_case), intervals_of(asked.estimates)
    judged = reconsider(criteria, charter.triggers, estimates)
    breached = judged.breached or any(not one.met for one in asked.breaches)
    verdict: Literal["stands", "review", "suspended"] = "review" if breached else "stands"
    finding = Finding(
        asset_id=asked.asset_id,
        cause=asked.cause,
        evidence=asked.evidence,
        verdict="suspended" if judged.suspend else verdict,
        criteria=[*(CriterionResult.model_validate(one) for one in judged.criteria), *asked.breaches],
        figures=precision_of(vars(plan)),
        triggered=list(judged.triggered),
    )
    if breached:
        review_id = await _review(work, finding, charter, permit.charter_id)
        finding = finding.model_copy(update={"review_id": review_id})
    if judged.suspend:
        reason = f"A review trigger asks for it: {finding.triggered}."
        await suspend(work, finding.asset_id, reason=reason, review_id=finding.review_id)
    await _tell(work, finding)
    return finding


async def _review(work: Work, finding: Finding, charter: Charter, charter_id: UUID) -> UUID:
    """An open review that says the same or worse of this asset, or a new one: votes are on what was found."""
    subject = f"asset:{finding.asset_id}"
    for one in await ReviewStore(work.connection).all_open(KIND, subject):
        if says_no_worse(finding, FindingVotedOn.model_validate(one.document)):
            return UUID(str(one.id))
    matter = reviews.Matter(
        kind=KIND,
        subject=subject,
        document=FindingVotedOn.model_validate(finding).model_dump(mode="json"),
        charter_id=charter_id,
        quorum=charter.quorum_for(KIND),
        alone=False,
    )
    return await reviews.open_review(work, matter)


async def _tell(work: Work, finding: Finding) -> None:
    missed = [Word(one.metric) for one in finding.criteria if not one.met]
    details = {"cause": Word(finding.cause), "evidence": str(finding.evidence), "missed": missed}
    event = AuditEvent(work.by, Action.ASSET_RECONSIDER, f"asset:{finding.asset_id}", finding.verdict, details)
    shown = Finding.model_validate(at_precision(finding.model_dump(mode="json"), raw=False))
    await work.tell(event, lineage=[await say_of(work, finding.asset_id, shown)])


async def conclude_finding(decided: Decided) -> dict[str, object]:
    """The committee lets the asset stand, or it stops; without a vote in time it stops too (I6).

    What it lifts is the finding's own stop: who stopped the asset for another reason was not voted on.
    """
    work, row = decided.work, decided.row
    asset_id = FindingVotedOn.model_validate(row.document).asset_id
    if not decided.approved:
        await suspend(work, asset_id, reason=f"Its review ended {decided.state}.")
        return {"verdict": "suspended"}
    present = await CharterStore(work.connection).suspensions_of("asset", asset_id)
    own = {one.id for one in present if one.review_id == row.id}
    lifted = await lift(work, "asset", asset_id, own, review_id=row.id)
    return {"verdict": "stands", **lifted.model_dump(mode="json")}
