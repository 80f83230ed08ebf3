"""What leaves quarantine: an assay held against the charter's criteria (I2)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from moneyer_policy.assets.documents.grants import GrantProposal
from moneyer_policy.assets.rules.release import Interval, Judged, judge, weigh
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.origin import Terms, plan_of, say_of, terms_of
from moneyer_policy.charters.documents import Suspension
from moneyer_policy.charters.rules.looks import precision_of
from moneyer_policy.charters.use_cases.charters import stop
from moneyer_policy.charters.use_cases.governing import governing
from moneyer_policy.gate.store.decisions import StoredPermit
from moneyer_policy.gate.use_cases import looks
from moneyer_policy.reviews.documents import RAW
from moneyer_policy.reviews.rules.figures import at_precision
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import CriterionResult, Estimate
from moneyer_shared.contracts.policy import Plan, Release, ReleaseRequest
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

ReleaseKind = Literal["release", "blended-release"]


@dataclass(frozen=True)
class _Made:
    """An asset to decide on: its permit, the plan that permit was given for, and the version it was given under."""

    permit: StoredPermit
    plan: Plan
    terms: Terms

    @property
    def kind(self) -> ReleaseKind:
        """What releases it; one with real rows in it is never released without a vote."""
        return "blended-release" if self.plan.blend else "release"


async def decide_release(work: ChangingRules, asked: ReleaseRequest) -> Release:
    """Hold an assay against the charter's acceptance criteria and review triggers, by bounds.

    Raises:
        NotFound: no permit was given for such an asset.
        Conflict: it was decided on, or no paid run made it.
    """
    store = AssetStore(work.connection)
    standing = await store.standing(asked.asset_id)
    standing.check_undecided()
    made = await _made(work, asked.asset_id)
    standing.check_paid()
    judged = await _judge(work, asked, made)
    release = Release(
        id=uuid.uuid4(),
        asset_id=asked.asset_id,
        assay_id=asked.assay_id,
        verdict=judged.verdict,
        triggered=list(judged.triggered),
        criteria=[CriterionResult.model_validate(one) for one in judged.criteria],
        figures=precision_of(vars(made.plan)),
        charter_digest=made.terms.charter.digest,
        decided_at=work.now,
    )
    if release.verdict == "review":
        release = release.model_copy(update={"review_id": await _open_review(work, release, made)})
    await _write(work, release, made)
    if judged.suspend:
        reason, charter_id = f"A review trigger asks for it: {', '.join(release.triggered)}.", made.permit.charter_id
        await stop(work.by_house(), charter_id, Suspension(reason=reason))
    return release


async def _made(work: Work, asset_id: UUID) -> _Made:
    store = AssetStore(work.connection)
    permit = await store.permit_of_run(asset_id)
    return _Made(permit, await plan_of(store, permit), await terms_of(work, permit))


async def _judge(work: Work, asked: ReleaseRequest, made: _Made) -> Judged:
    """What becomes of an asset.

    Tables drawn at once from one model do not race past the first rejection: the others are released by vote.
    """
    charter, kind = made.terms.charter, made.kind
    present = await governing(work.connection, made.permit.charter_id, work.now)
    voted_on = kind != "release" or kind in {*charter.reviews, *present.reviews}
    estimates = intervals_of(asked.estimates)
    results = weigh(charter.criteria_for(made.plan.use_case), estimates)
    judged = judge(results, charter.triggers, estimates, reviewed=voted_on)
    decision = await AssetStore(work.connection).read(made.permit.decision_id)
    rejected = await looks.rejected_sibling(work.connection, asked.asset_id, decision)
    return judged if rejected is None else judged.held(f"{looks.REJECTED}: {rejected}")


def intervals_of(estimates: Sequence[Estimate]) -> dict[str, Interval]:
    return {one.metric: Interval(one.value, one.lower, one.upper, one.n) for one in estimates}


async def _open_review(work: Work, release: Release, made: _Made) -> UUID:
    matter = reviews.Matter(
        kind=made.kind,
        subject=f"asset:{release.asset_id}",
        document=release.model_dump(mode="json"),
        charter_id=made.permit.charter_id,
        quorum=made.terms.charter.quorum_for(made.kind),
    )
    return await reviews.open_review(work, matter)


async def conclude_release(decided: Decided) -> dict[str, str]:
    """What the votes made of an asset that was held for review."""
    proposed = Release.model_validate(decided.row.document)
    verdict: Literal["released", "rejected"] = "released" if decided.approved else "rejected"
    changed = {
        "id": uuid.uuid4(), "round": 1, "verdict": verdict, "decided_at": decided.work.now, "review_id": decided.row.id,
    }  # fmt: skip
    made = await _made(decided.work, proposed.asset_id)
    await _write(decided.work, proposed.model_copy(update=changed), made)
    return {"verdict": verdict}


async def _write(work: Work, release: Release, made: _Made) -> None:
    """Keep a decision, have a release carry a grant, and tell of it."""
    await AssetStore(work.connection).add_release(release, made.permit.id)
    if release.verdict == "released":
        await _grant_requester(work, release.asset_id, made)
    missed = [Word(one.metric) for one in release.criteria if not one.met]
    details = {"assay": str(release.assay_id), "charter_digest": release.charter_digest, "missed": missed}
    decided = at_precision(release.model_dump(mode="json"), raw=False)
    subject, shown = f"asset:{release.asset_id}", {"release": decided}
    lineage = await say_of(work, release.asset_id, Release.model_validate(decided))
    event = AuditEvent(work.by, Action.ASSET_DECIDE, subject, release.verdict, details, shown=shown)
    await work.tell(event, lineage=[lineage])


async def _grant_requester(work: Work, asset_id: UUID, made: _Made) -> None:
    """The permit named requester and use case, and the committee allowed them."""
    given = GrantProposal(
        asset_id=asset_id,
        subject=made.permit.requester,
        use_case=made.plan.use_case,
        valid_until=min(made.terms.charter.expires_at, work.now + made.terms.retention),
        granted_by="release",
    )
    await AssetStore(work.connection).add_grant(given, work.now)


async def get_release(work: Work, asset_id: UUID) -> Release:
    """What was decided on an asset last; figures of real rows to the last digit to who may read them so.

    Raises:
        NotFound: nothing was decided on it.
    """
    found = await AssetStore(work.connection).release_of(asset_id)
    if found is None:
        raise NotFound(f"Asset {asset_id} has not been decided on.")
    return Release.model_validate(at_precision(found.model_dump(mode="json"), raw=work.caller.holds(RAW)))
