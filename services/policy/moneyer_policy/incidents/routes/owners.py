"""Things that go over to another owner."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path

from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.incidents.use_cases import owners
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Name
from moneyer_shared.contracts.owners import NewOwner, Ownership

router = APIRouter(prefix="/v1/owners", tags=["owners"])
Kind = Literal["incident", "rejection-criterion", "questionnaire", "access-policy", "population"]


@router.put("/{kind}/{subject}", operation_id="handOver", summary="Give a thing to another owner")
async def hand_over(
    kind: Kind,
    subject: Annotated[Name, Path(description="Its id; its name, of a questionnaire or a kind of resource.")],
    said: NewOwner,
    office: InOffice,
    caller: Caller = requires("policy:owners:write"),
) -> Ownership:
    """For whoever answers for that when an owner leaves; the owner that was can do nothing with it any more."""
    given = await owners.hand_over(office, kind=kind, subject=subject, owner=said.owner, by=caller.subject)
    return Ownership.model_validate(given)
