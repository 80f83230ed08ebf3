"""Published shares of a population: public figures that groups are held against."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from moneyer_evaluation.store import Store
from moneyer_evaluation.tables import journal
from moneyer_evaluation.use_cases.laboratory import Laboratory
from moneyer_evaluation.use_cases.owners import check_owner
from moneyer_shared.errors import Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent

WHOLE = 1 + 1e-6


def as_numbers(shares: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, float]]:
    """Shares as they are computed with, from their decimal text."""
    return {name: {category: float(share) for category, share in parts.items()} for name, parts in shares.items()}


def show(row: Any) -> dict[str, Any]:
    """A version of shares as it goes over the wire."""
    return {
        "id": str(row.id),
        "population_id": str(row.population_id),
        "version": row.version,
        "source": row.source,
        "as_of": row.as_of.isoformat(),
        "shares": row.shares,
        "made_by": row.made_by,
        "made_at": row.made_at.isoformat(),
    }


async def declare(
    lab: Laboratory,
    population_id: UUID,
    *,
    source: str,
    as_of: date,
    shares: Mapping[str, Mapping[str, str]],
    by: str,
    attempt: Attempt,
) -> Reply:
    """A new version of a population's shares; the ones before stay in the record.

    Raises:
        Invalid: a column's shares are more than the whole.
        Forbidden: the population's shares are somebody else's to declare.
    """
    for name, parts in as_numbers(shares).items():
        if sum(parts.values()) > WHOLE:
            raise Invalid(f"The shares of {name} add up to more than 1.", code="shares-above-one")
    now = lab.clock()
    async with lab.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        values = {"source": source, "as_of": as_of, "shares": shares, "made_by": by, "made_at": now}
        row = await Store(connection).add_shares(population_id, values)
        await check_owner(connection, "shares", population_id, by=by)
        event = AuditEvent(by, "shares.declare", f"population:{population_id}", details={"version": row.version})
        await journal.record(connection, now, event)
        return await attempt.keep(connection, by, Reply(201, show(row)))
