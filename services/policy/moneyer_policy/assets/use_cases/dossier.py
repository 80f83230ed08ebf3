"""What policy knows of one asset: its charter, votes, assessments and budget, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.store.salts import SaltStore
from moneyer_policy.assets.use_cases.destruction import certificates_of
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.budgets.rules.accounting import ORDERS, SCALE, in_words
from moneyer_policy.budgets.store import BudgetStore, exact
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases.charters import matter_of
from moneyer_policy.library.rules.assessment import standing_of
from moneyer_policy.library.store import LibraryStore, as_assessment
from moneyer_policy.library.use_cases.assessments import show_assessment
from moneyer_policy.reviews.rules.figures import told
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_shared.provenance import subjects_of


async def dossier(office: Office, asset_id: UUID, *, raw: bool) -> dict[str, Any]:
    """Everything at one moment, in one transaction; figures of real rows ``raw`` to who may read them so.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        store = AssetStore(connection)
        permit = await store.permit_of_run(asset_id)
        decision = await store.decision(permit.decision_id)
        charters, digest = CharterStore(connection), permit.charter_digest
        charter = await charters.by_digest(permit.charter_id, digest, now, decided_at=permit.made_at)
        return {
            "asset_id": str(asset_id),
            "as_of": now.isoformat(),
            "charter": {
                "id": str(permit.charter_id), "version": charter.version, "digest": charter.digest,
                "in_force_at": charter.in_force_at.isoformat() if charter.in_force_at else None,
                "document": charter.document,
            },
            "charter_review": await review_on(
                connection, "charter", matter_of(permit.charter_id, charter.version), now
            ),
            "assessments": await _assessments(connection, permit.charter_id, charter.digest, now),
            "request": {name: decision.request[name] for name in ("requester", "plan", "offer")},
            "decision": {name: value for name, value in decision.document.items() if name != "permit"},
            "permit": {
                "id": str(permit.id), "state": permit.state, "outcome": permit.outcome,
                "made_at": permit.made_at.isoformat(),
            },
            "ledger": await _ledger(connection, permit),
            "release": await _release(store, asset_id, raw=raw),
            "certificates": await certificates_of(connection, asset_id),
            "reviews": [
                found
                for kind in ("release", "blended-release", "finding", "withdrawal", "retirement", "resumption")
                if (found := await review_on(connection, kind, f"asset:{asset_id}", now)) is not None
            ],
        }  # fmt: skip


async def salts(office: Office, asset_id: UUID, leaves: Sequence[UUID]) -> dict[str, str]:
    """What opens the digests of people and of what a dossier shows, in leaves about the asset and in no others.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    subjects = subjects_of(str(asset_id), await dossier(office, asset_id, raw=False))
    async with office.database.transaction() as connection:
        found = await SaltStore(connection).of(leaves, subjects)
    return {leaf: salt.hex() for leaf, salt in found.items()}


async def review_on(connection: AsyncConnection, kind: str, subject: str, now: datetime) -> dict[str, Any] | None:
    """The last review of a matter with its votes."""
    row = await ReviewStore(connection).latest_on(kind, subject)
    if row is None:
        return None
    shown = await reviews.show(connection, row, now, raw=False)
    return {name: value for name, value in shown.items() if name != "document"}


async def _assessments(
    connection: AsyncConnection, charter_id: UUID, digest: str, now: datetime
) -> list[dict[str, Any]]:
    """All that was said of that text, and what each is worth now."""
    rows = [row for row in await LibraryStore(connection).assessment_rows(charter_id) if row.digest == digest]
    words = [as_assessment(row) for row in rows]
    return [
        show_assessment(row) | {"standing": standing_of(word, words, now)}
        for row, word in zip(rows, words, strict=True)
    ]


async def _ledger(connection: AsyncConnection, permit: Any) -> dict[str, Any]:
    """What this permit moved, in every account."""
    rows = await BudgetStore(connection).movements(permit.id)
    entries = [
        {
            "account": str(row.account_id), "kind": row.kind, "mechanism": row.mechanism,
            "cost": row.document, "renyi": list(exact(row.renyi)), "releases": row.releases,
            "delta": in_words(int(row.delta)), "at": row.at.isoformat(),
        }
        for row in rows
    ]  # fmt: skip
    return {"orders": [str(order) for order in ORDERS], "scale": SCALE, "entries": entries}


async def _release(store: AssetStore, asset_id: UUID, *, raw: bool) -> dict[str, Any] | None:
    if not await store.is_decided(asset_id):
        return None
    return told((await store.release_of(asset_id)).document, raw=raw)
