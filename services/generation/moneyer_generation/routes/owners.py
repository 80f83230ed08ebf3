"""Things that go over to another owner."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from moneyer_generation.routes.workshop import InWorkshop
from moneyer_generation.use_cases import owners
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.owners import NewOwner, Ownership

router = APIRouter(prefix="/v1/owners", tags=["owners"])


@router.put("/{kind}/{subject}", operation_id="handOver", summary="Give a thing to another owner")
async def hand_over(
    kind: Literal["source"],
    subject: UUID,
    said: NewOwner,
    workshop: InWorkshop,
    caller: Caller = requires("generation:owners:write"),
) -> Ownership:
    """The owner that was can upload to the source no more."""
    del kind
    return Ownership.model_validate(await owners.hand_over(workshop, subject, owner=said.owner, by=caller.subject))
