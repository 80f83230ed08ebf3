"""Audits of guarantees; the scores they rest on stay here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.tables import guarantee_audits
from moneyer_shared.contracts.evaluation import Estimate, GuaranteeAudit, GuaranteeAuditRequest
from moneyer_shared.paging import page

SCORES = {"inside", "outside"}
"""What of a request stays in the record."""


class AuditStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        asked: GuaranteeAuditRequest,
        estimate: Estimate,
        verdict: Literal["stands", "condemned"],
        *,
        by: str,
        at: datetime,
    ) -> GuaranteeAudit:
        request = asked.model_dump(mode="json")
        made = insert(guarantee_audits).values(
            id=asked.id,
            generator=asked.generator,
            request=request,
            estimate=estimate.model_dump(mode="json"),
            verdict=verdict,
            reported_by=by,
            at=at,
        )
        await self._connection.execute(made)
        return _audit(request, estimate, verdict, at)

    async def audits(self, generator: str | None, after: UUID | None) -> list[GuaranteeAudit]:
        """A page of all audits, or of one generator's."""
        query = select(guarantee_audits)
        if generator is not None:
            query = query.where(guarantee_audits.c.generator == generator)
        rows = await page(self._connection, query, guarantee_audits.c.at, guarantee_audits.c.id, after=after)
        return [_audit(row.request, row.estimate, row.verdict, row.at) for row in rows]


def _audit(request: Mapping[str, object], estimate: object, verdict: str, at: datetime) -> GuaranteeAudit:
    claimed = {name: value for name, value in request.items() if name not in SCORES}
    return GuaranteeAudit.model_validate({**claimed, "estimate": estimate, "verdict": verdict, "at": at})
