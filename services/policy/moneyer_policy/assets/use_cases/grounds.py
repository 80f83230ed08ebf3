"""On what an asset was made: charter, votes, assessments and budget as they stood when its permit was given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.dossier import review_on
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.budgets.rules.accounting import NAMED_ORDERS, Cost, balances, epsilon_at, in_words
from moneyer_policy.budgets.store import BudgetStore, exact
from moneyer_policy.budgets.use_cases.accounts import plain
from moneyer_policy.charters.store import CharterStore, state_of
from moneyer_policy.charters.use_cases.charters import matter_of
from moneyer_policy.library.rules.assessment import standing_of
from moneyer_policy.library.store import LibraryStore, as_assessment


async def grounds(office: Office, asset_id: UUID) -> dict[str, Any]:
    """What held at that moment, whatever was amended, voted or spent since.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    async with office.database.transaction() as connection:
        store = AssetStore(connection)
        permit = await store.permit_of_run(asset_id)
        decision = await store.decision(permit.decision_id)
        at = permit.made_at
        charters, digest = CharterStore(connection), permit.charter_digest
        charter = await charters.by_digest(permit.charter_id, digest, at, decided_at=at)
        on_charter = await _votes(connection, "charter", matter_of(permit.charter_id, charter.version), at)
        on_plan = await _votes(connection, "plan", f"run:{asset_id}", at)
        return {
            "asset_id": str(asset_id),
            "at": at,
            "charter": {
                "id": str(permit.charter_id), "version": charter.version, "digest": charter.digest,
                "title": charter.document["title"], "state": state_of(charter, at), "in_force_at": charter.in_force_at,
            },
            "votes": [*on_charter, *on_plan],
            "assessments": await _assessments(connection, permit, at),
            "decision": {
                "id": str(decision.id), "verdict": decision.verdict, "requester": permit.requester,
                "permit": str(permit.id),
            },
            "budgets": await _budgets(BudgetStore(connection), permit, at),
        }  # fmt: skip


async def _votes(connection: AsyncConnection, kind: str, subject: str, at: datetime) -> list[dict[str, Any]]:
    """Every vote on the matter: a review is closed before what it approved can be used, and nobody votes after that."""
    review = await review_on(connection, kind, subject, at)
    return [{"on": kind, **vote, "review_id": review["id"]} for vote in review["votes"]] if review is not None else []


async def _assessments(connection: AsyncConnection, permit: Any, at: datetime) -> list[dict[str, Any]]:
    """The last word by then of each assessor of that text: a yes that had not expired, or a no."""
    rows = [row for row in await LibraryStore(connection).assessment_rows(permit.charter_id) if row.made_at <= at]
    words = [as_assessment(row) for row in rows]
    return [
        {"id": str(row.id), "assessor": row.assessor, "acceptable": row.acceptable, "made_at": row.made_at,
         "valid_until": row.valid_until}
        for row, word in zip(rows, words, strict=True)
        if row.digest == permit.charter_digest and standing_of(word, words, at) in {"acceptable", "refused"}
    ]  # fmt: skip


async def _budgets(store: BudgetStore, permit: Any, at: datetime) -> list[dict[str, Any]]:
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


def _budget(row: Any, cost: Cost, moved: Sequence[Any], size: Any) -> dict[str, Any]:
    held = balances([(one.kind, one.times, Cost(exact(one.renyi), one.releases, int(one.delta))) for one in moved])
    order, conversion = NAMED_ORDERS[row.renyi_order], size.delta - size.approximate_delta
    return {
        "account": str(row.id),
        "population_id": str(row.population_id),
        "of": "population" if row.charter_id is None else "charter",
        "partition": row.partition,
        "version": size.version,
        "epsilon": plain(size.epsilon),
        "delta": plain(size.delta),
        "order": row.renyi_order,
        "approximate_delta": plain(size.approximate_delta),
        "epsilon_held": plain(epsilon_at(order, held.renyi, conversion)),
        "epsilon_of_this": plain(epsilon_at(order, cost.renyi, conversion)),
        "delta_held": in_words(held.delta),
        "delta_of_this": in_words(cost.delta),
        "releases_held": held.releases,
    }
