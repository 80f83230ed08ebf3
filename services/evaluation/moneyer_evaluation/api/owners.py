"""Things that go over to another owner."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from moneyer_evaluation.api.words import InLaboratory
from moneyer_evaluation.use_cases import owners
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.owners import NewOwner, Ownership

router = APIRouter(prefix="/v1/owners", tags=["owners"])


@router.put("/{kind}/{subject}", operation_id="handOver", summary="Give a thing to another owner")
async def hand_over(
    kind: Literal["monitor", "shares"],
    subject: UUID,
    said: NewOwner,
    laboratory: InLaboratory,
    caller: Caller = requires("evaluation:owners:write"),
) -> Ownership:
    """A monitor by its id, shares by that of their population. The owner that was can do nothing with it any more."""
    given = await owners.hand_over(laboratory, kind=kind, subject=subject, owner=said.owner, by=caller.subject)
    return Ownership.model_validate(given)
