"""Audits of engines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.audits import Audit, AuditRequest, AuditState, AuditVerdict
from moneyer_generation.tables import audits
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


class Scores(TypedDict):
    """How surely each fit showed the record, of fits with it and of fits without it."""

    inside: list[float]
    outside: list[float]


@dataclass(frozen=True)
class KeptAudit:
    """An audit as callers see it, and its scores so far, which are evaluation's to keep."""

    shown: Audit
    scores: Scores | None


class AuditChanges(TypedDict, total=False):
    state: AuditState
    scores: Scores
    verdict: AuditVerdict
    failure: str


class AuditStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, asked: AuditRequest, by: str, at: datetime) -> Audit:
        values: Mapping[str, object] = {
            **asked.model_dump(mode="json"), "requester": by, "state": "queued", "requested_at": at, "changed_at": at,
        }  # fmt: skip
        return _audit((await self._connection.execute(insert(audits).values(values).returning(audits))).one())

    async def audit(self, audit_id: UUID) -> KeptAudit:
        """One audit.

        Raises:
            NotFound: there is none of that id.
        """
        row = (await self._connection.execute(select(audits).where(audits.c.id == audit_id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no audit {audit_id}.")
        return KeptAudit(_audit(row), row.scores)

    async def page(self, after: UUID | None) -> Sequence[Audit]:
        order = (audits.c.requested_at, audits.c.id)
        rows = await page(self._connection, select(audits), *order, after=after, newest_first=True)
        return [_audit(row) for row in rows]

    async def save(self, before: Audit, at: datetime, **changes: Unpack[AuditChanges]) -> KeptAudit:
        """Move an audit on, unless another worker did.

        Raises:
            Conflict: it is no longer in the state it was read in.
        """
        which = (audits.c.id == before.id, audits.c.state == before.state)
        moved = update(audits).where(*which).values(changed_at=at, **changes).returning(audits)
        row = (await self._connection.execute(moved)).one_or_none()
        if row is None:
            raise Conflict("Another worker moved this audit on.", code="moved-on")
        return KeptAudit(_audit(row), row.scores)


def _audit(row: Row[tuple[object, ...]]) -> Audit:
    return Audit(
        id=row.id,
        state=row.state,
        generator=row.generator,
        parameters=row.parameters,
        fits=row.fits,
        verdict=row.verdict,
        failure=row.failure,
        requested_by=row.requester,
        requested_at=row.requested_at,
        changed_at=row.changed_at,
    )
