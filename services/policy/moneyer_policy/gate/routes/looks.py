"""What a charter's looks at its sources were taken by."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from moneyer_policy.gate.routes.office import InOffice
from moneyer_policy.gate.use_cases import looks
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document

router = APIRouter(prefix="/v1", tags=["charters"])


class LookEntry(Document):
    """``reserve`` with the permit, ``return`` if nothing was opened, ``open`` for the assay, ``again`` after a release.

    ``model`` is the run that fitted the model the table was drawn from.
    """

    run_id: UUID
    kind: Literal["reserve", "return", "open", "again"]
    model: UUID
    at: datetime


class LooksShown(Document):
    """How many tables made from a source may be held against its real rows, and how many were or will be."""

    source_id: UUID
    limit: int
    taken: int
    entries: list[LookEntry]


@router.get(
    "/charters/{charter_id}/looks",
    operation_id="listCharterLooks",
    summary="Looks at real rows by source: how many there are, and what took them",
)
async def list_looks(charter_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> list[LooksShown]:
    return [LooksShown.model_validate(one) for one in await looks.shown(office, charter_id)]
