"""On what an asset was made: charter, votes, assessments and budget as they stood when its permit was given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.dossier import review_on
from moneyer_policy.budgets.rules.accounting import NAMED_ORDERS, Cost, balances, epsilon_at, in_words
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.budgets.store.records import AccountRow, ChargeTotal, VersionRow
from moneyer_policy.budgets.use_cases.accounts import plain
from moneyer_policy.charters.store import CharterStore, state_of
from moneyer_policy.charters.use_cases.charters import matter_of
from moneyer_policy.gate.store.decisions import StoredPermit
from moneyer_policy.library.rules.assessment import assessment_state
from moneyer_policy.library.store import LibraryStore, as_assessment
from moneyer_policy.work import Work
from moneyer_shared.contracts.grounds import AssessmentThen, BudgetThen, CharterThen, DecisionThen, Provenance, VoteThen


async def get_provenance(work: Work, asset_id: UUID) -> Provenance:
    """What held at the moment of the permit, whatever was amended, voted or spent since.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    store = AssetStore(work.connection)
    permit = await store.permit_of_run(asset_id)
    decision = await store.read(permit.decision_id)
    at = permit.made_at
    charters, digest = CharterStore(work.connection), permit.charter_digest
    charter = await charters.by_digest(permit.charter_id, digest, at, decided_at=at)
    on_charter = await _votes(work, "charter", matter_of(permit.charter_id, charter.version))
    on_plan = await _votes(work, "plan", f"run:{asset_id}")
    return Provenance(
        asset_id=asset_id,
        at=at,
        charter=CharterThen(
            id=permit.charter_id,
            version=charter.version,
            digest=charter.digest,
            title=charter.document["title"],
            state=state_of(charter, at),
            in_force_at=charter.in_force_at,
        ),
        votes=[*on_charter, *on_plan],
        assessments=await _assessments(work, permit),
        decision=DecisionThen(id=decision.id, verdict=decision.verdict, requester=permit.requester, permit=permit.id),
        budgets=await _budgets(BudgetStore(work.connection), permit, at),
    )


async def _votes(work: Work, kind: Literal["charter", "plan"], subject: str) -> list[VoteThen]:
    """Every vote on the matter: a review is closed before what it approved can be used, and nobody votes after that."""
    review = await review_on(work, kind, subject)
    if review is None:
        return []
    return [VoteThen(on=kind, review_id=review.id, **dict(vote)) for vote in review.votes]


async def _assessments(work: Work, permit: StoredPermit) -> list[AssessmentThen]:
    """The last word by then of each assessor of that text: a yes that had not expired, or a no."""
    at, found = permit.made_at, await LibraryStore(work.connection).assessment_rows(permit.charter_id)
    rows = [row for row in found if row.made_at <= at]
    words = [as_assessment(row) for row in rows]
    return [
        AssessmentThen.model_validate(row)
        for row, word in zip(rows, words, strict=True)
        if row.digest == permit.charter_digest and assessment_state(word, words, at) in {"acceptable", "refused"}
    ]


async def _budgets(store: BudgetStore, permit: StoredPermit, at: datetime) -> list[BudgetThen]:
    """Every account the permit was paid from, as large and as full as it was then."""
    cost = await store.cost(permit.mechanism)
    rows = await store.read(permit.account_ids)
    moved = await store.totals(permit.account_ids, by=at)
    sizes = await store.versions(permit.account_ids, by=at)
    return [
        _budget(row, cost, [one for one in moved if one.account_id == row.id],
                [one for one in sizes if one.account_id == row.id][-1])
        for row in sorted(rows, key=lambda row: (row.charter_id is not None, row.partition))
    ]  # fmt: skip


def _budget(row: AccountRow, cost: Cost, moved: Sequence[ChargeTotal], size: VersionRow) -> BudgetThen:
    held = balances([(one.kind, one.times, Cost(one.renyi, one.releases, one.delta)) for one in moved])
    order, conversion = NAMED_ORDERS[row.renyi_order], size.delta - size.approximate_delta
    return BudgetThen(
        account=row.id,
        population_id=row.population_id,
        of="population" if row.charter_id is None else "charter",
        partition=row.partition,
        version=size.version,
        epsilon=plain(size.epsilon),
        delta=plain(size.delta),
        order=row.renyi_order,
        approximate_delta=plain(size.approximate_delta),
        epsilon_held=plain(epsilon_at(order, held.renyi, conversion)),
        epsilon_of_this=plain(epsilon_at(order, cost.renyi, conversion)),
        delta_held=in_words(held.delta),
        delta_of_this=in_words(cost.delta),
        releases_held=held.releases,
    )
