"""Webhooks of model registries: signed by them, so they need no token of ours."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request
from pydantic import BaseModel, ConfigDict, ValidationError

from moneyer_lineage.api.models import ModelName, VersionName
from moneyer_lineage.api.words import InArchive
from moneyer_lineage.domain.mlflow import heard, is_fresh, is_signed
from moneyer_lineage.use_cases import registries
from moneyer_shared.contracts.documents import NAME, Moment, Text
from moneyer_shared.contracts.owners import Owner
from moneyer_shared.documents import read_body
from moneyer_shared.errors import Invalid, Unauthenticated
from moneyer_shared.web import faults

router = APIRouter(prefix="/v1/registries", tags=["models"])


class RegistryEvent(BaseModel):
    """What MLflow posts; what a later version adds is left alone."""

    model_config = ConfigDict(extra="ignore")

    entity: str
    action: str
    timestamp: Moment
    data: dict[str, Any]


class _Named(BaseModel):
    name: ModelName
    owner: Owner | None
    version: VersionName | None
    uri: Text | None


async def _secrets(request: Request) -> Mapping[str, str]:
    secrets: Mapping[str, str] = request.app.state.registries
    return secrets


@router.post(
    "/{registry}/mlflow",
    status_code=204,
    operation_id="hearMlflow",
    summary="Take a webhook of an MLflow model registry",
    openapi_extra={
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RegistryEvent"}}},
        },
    },
)
async def hear_mlflow(
    registry: Annotated[str, Path(pattern=NAME)],
    request: Request,
    archive: InArchive,
    secrets: Annotated[Mapping[str, str], Depends(_secrets)],
    signature: Annotated[str, Header(alias="X-MLflow-Signature", max_length=200)],
    delivery: Annotated[str, Header(alias="X-MLflow-Delivery-Id", max_length=200)],
    timestamp: Annotated[str, Header(alias="X-MLflow-Timestamp", max_length=50)],
) -> None:
    """Model versions tagged ``moneyer.asset.<id>`` are registered as trained on those assets."""
    body = await request.body()
    secret = secrets.get(registry)
    signed = secret is not None and is_signed(secret, delivery, timestamp, body, signature)
    if not signed or not is_fresh(timestamp, archive.clock()):
        raise Unauthenticated("The signature is not one of this registry's, or too old.", code="signature-invalid")
    try:
        event = RegistryEvent.model_validate(await read_body(body))
        said = heard(event.entity, event.action, event.data)
        if said is not None:
            _Named(name=f"{registry}:{said.name}", owner=said.owner, version=said.version, uri=said.uri)
    except ValidationError as error:
        raise Invalid("The event does not fit its schema.", reasons=faults(error)) from None
    if said is not None:
        await registries.hear(archive, registry, said, event.timestamp)
