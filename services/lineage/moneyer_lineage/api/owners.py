"""Things that go over to another owner."""

from typing import Literal

from fastapi import APIRouter

from moneyer_lineage.api.models import InModel
from moneyer_lineage.api.words import InArchive
from moneyer_lineage.use_cases import models
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.owners import NewOwner, Ownership

router = APIRouter(prefix="/v1/owners", tags=["owners"])


@router.put("/{kind}/{subject}", operation_id="handOver", summary="Give a thing to another owner")
async def hand_over(
    kind: Literal["model"],
    subject: InModel,
    said: NewOwner,
    archive: InArchive,
    caller: Caller = requires("lineage:owners:write"),
) -> Ownership:
    """A model by its name. From here on its new owner is told what becomes of the assets it was trained on."""
    del kind
    given = await models.hand_over(archive, subject, owner=said.owner, by=caller.subject)
    return Ownership.model_validate(given)
