"""Published shares of a population: public figures that groups are held against."""

from uuid import UUID

from moneyer_evaluation.documents import SharesRequest
from moneyer_evaluation.rules import shares_as_numbers
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import ReferenceShares
from moneyer_shared.errors import Invalid
from moneyer_shared.journal import AuditEvent

WHOLE = 1 + 1e-6


async def declare_shares(work: Work, population_id: UUID, asked: SharesRequest) -> ReferenceShares:
    """A new version of a population's shares; the ones before stay in the record.

    Raises:
        Invalid: a column's shares are more than the whole.
        Forbidden: the population's shares are somebody else's to declare.
    """
    for name, parts in shares_as_numbers(asked.shares).items():
        if sum(parts.values()) > WHOLE:
            raise Invalid(f"The shares of {name} add up to more than 1.", code="shares-above-one")
    # Adding locks the population's shares: of two who declare the first, one finds them the other's.
    made = await work.shares.add(population_id, asked, by=work.by, at=work.now)
    await work.check_owner("shares", population_id)
    details = {"version": made.version}
    await work.tell(AuditEvent(work.by, Action.SHARES_DECLARE, f"population:{population_id}", details=details))
    return made


async def list_shares(work: Work, population_id: UUID) -> list[ReferenceShares]:
    """All versions of a population's shares, the newest first."""
    return await work.shares.versions(population_id)
