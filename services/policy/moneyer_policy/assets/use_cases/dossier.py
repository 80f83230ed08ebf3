"""What policy knows of one asset: its charter, votes, assessments and budget, and what became of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from moneyer_policy.assets.documents.dossier import (
    Dossier,
    DossierCharter,
    DossierLedger,
    DossierPermit,
    DossierReview,
    LedgerEntry,
)
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.store.salts import SaltStore
from moneyer_policy.budgets.rules.accounting import ORDERS, SCALE, in_words
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases.charters import matter_of
from moneyer_policy.gate.store.decisions import StoredPermit
from moneyer_policy.library.rules.assessment import assessment_state
from moneyer_policy.library.store import LibraryStore, as_assessment
from moneyer_policy.reviews.documents import RAW
from moneyer_policy.reviews.rules.figures import at_precision
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.work import Work
from moneyer_shared.provenance import subjects_of

REVIEWED = ("release", "blended-release", "finding", "withdrawal", "retirement", "resumption")
"""The kinds of review that decide on what becomes of an asset."""


async def get_dossier(work: Work, asset_id: UUID) -> Dossier:
    """Everything, in one transaction; figures of real rows to the last digit to who may read them so.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    return await _dossier(work, asset_id, raw=work.caller.holds(RAW))


async def get_salts(work: Work, asset_id: UUID, leaf: Sequence[UUID]) -> dict[str, str]:
    """What opens the digests of people and of what a dossier shows, in leaves about the asset and in no others.

    By leaf, in hexadecimal.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    shown = await _dossier(work, asset_id, raw=False)
    subjects = subjects_of(str(asset_id), shown.model_dump(mode="json"))
    found = await SaltStore(work.connection).of(leaf, subjects)
    return {one: salt.hex() for one, salt in found.items()}


async def _dossier(work: Work, asset_id: UUID, *, raw: bool) -> Dossier:
    store = AssetStore(work.connection)
    permit = await store.permit_of_run(asset_id)
    decision = await store.read(permit.decision_id)
    digest = permit.charter_digest
    charter = await CharterStore(work.connection).by_digest(
        permit.charter_id, digest, work.now, decided_at=permit.made_at
    )
    release = await store.release_of(asset_id)
    found = [await review_on(work, kind, f"asset:{asset_id}") for kind in REVIEWED]
    return Dossier(
        asset_id=asset_id,
        as_of=work.now,
        charter=DossierCharter(
            id=permit.charter_id,
            version=charter.version,
            digest=charter.digest,
            in_force_at=charter.in_force_at.isoformat() if charter.in_force_at else None,
            document=charter.document,
        ),
        charter_review=await review_on(work, "charter", matter_of(permit.charter_id, charter.version)),
        assessments=await _assessments(work, permit.charter_id, charter.digest),
        request=decision.request.model_dump(mode="json", include={"requester", "plan", "offer"}),
        decision=decision.document.model_dump(mode="json", exclude={"permit"}),
        permit=DossierPermit.model_validate(permit),
        ledger=await _ledger(work, permit),
        release=at_precision(release.model_dump(mode="json"), raw=raw) if release is not None else None,
        certificates=await store.certificates(asset_id),
        reviews=[review for review in found if review is not None],
    )


async def review_on(work: Work, kind: str, subject: str) -> DossierReview | None:
    """The last review of a matter with its votes; None where there was none."""
    row = await ReviewStore(work.connection).latest_on(kind, subject)
    return DossierReview.model_validate(await reviews.describe(work, row)) if row is not None else None


async def _assessments(work: Work, charter_id: UUID, digest: str) -> list[dict[str, Any]]:
    """All that was said of that text, and what each is worth now."""
    rows = [row for row in await LibraryStore(work.connection).assessment_rows(charter_id) if row.digest == digest]
    words = [as_assessment(row) for row in rows]
    return [
        row.as_evidence() | {"standing": assessment_state(word, words, work.now)}
        for row, word in zip(rows, words, strict=True)
    ]


async def _ledger(work: Work, permit: StoredPermit) -> DossierLedger:
    """What this permit moved, in every account."""
    entries = [
        LedgerEntry(
            account=row.account_id,
            kind=row.kind,
            mechanism=row.mechanism,
            cost=dict(row.document),
            renyi=list(row.renyi),
            releases=row.releases,
            delta=in_words(row.delta),
            at=row.at.isoformat(),
        )
        for row in await BudgetStore(work.connection).movements(permit.id)
    ]
    return DossierLedger(orders=[str(order) for order in ORDERS], scale=SCALE, entries=entries)
