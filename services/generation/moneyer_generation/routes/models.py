"""Fitted models that are kept: sampled again by a plan that names one, and gone when its table is retired."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from moneyer_generation.documents import Model
from moneyer_generation.routes.workshop import InWorkshop
from moneyer_generation.store import Store
from moneyer_shared.auth import Caller, requires
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", operation_id="listModels", summary="Fitted models that can be sampled again")
async def list_models(
    workshop: InWorkshop,
    pages: Pages,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = requires("generation:read"),
) -> list[Model]:
    async with workshop.database.transaction() as connection:
        rows = await Store(connection).models(after)
    pages.follow(rows)
    return [
        Model(
            id=row.id,
            charter_id=row.charter_id,
            source_id=row.plan["source_id"],
            source_version_id=row.source_version_id,
            generator=row.plan["generator"],
            engine_version=row.offer["engine_version"],
            parameters=row.plan["parameters"],
            guarantee=row.offer["guarantee"],
            fitted_by=row.requester,
            requested_at=row.requested_at,
            sampled_again=row.sampled,
        )
        for row in rows
    ]
