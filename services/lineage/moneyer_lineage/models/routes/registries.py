"""Webhooks of model registries: signed by them over the body as it comes, so they need no token of ours."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from pydantic import ValidationError

from moneyer_lineage.dependencies import Dependencies, Work
from moneyer_lineage.models.documents.models import RegisteredElsewhere, RegistryEvent
from moneyer_lineage.models.rules.mlflow import heard, is_fresh, is_signed
from moneyer_lineage.models.use_cases import registries
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.documents import NAME
from moneyer_shared.documents import faults_of, read_body
from moneyer_shared.errors import Invalid, Unauthenticated

router = APIRouter(prefix="/v1/registries", tags=["models"])


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
    signature: Annotated[str, Header(alias="X-MLflow-Signature", max_length=200)],
    delivery: Annotated[str, Header(alias="X-MLflow-Delivery-Id", max_length=200)],
    timestamp: Annotated[str, Header(alias="X-MLflow-Timestamp", max_length=50)],
) -> None:
    """Model versions tagged ``moneyer.asset.<id>`` are registered as trained on those assets."""
    dependencies: Dependencies = request.app.state.dependencies
    body = await request.body()
    secret = dependencies.setup.registries.get(registry)
    signed = secret is not None and is_signed(secret, delivery, timestamp, body, signature)
    if not signed or not is_fresh(timestamp, dependencies.clock()):
        raise Unauthenticated("The signature is not one of this registry's, or too old.", code="signature-invalid")
    try:
        event = RegistryEvent.model_validate(await read_body(body))
        news = heard(event.entity, event.action, event.data)
        if news is not None:
            name = f"{registry}:{news.name}"
            RegisteredElsewhere(name=name, owner=news.owner, version=news.version, uri=news.uri)
    except ValidationError as error:
        raise Invalid("The event does not fit its schema.", reasons=faults_of(error)) from None
    if news is not None:
        teller = Caller(f"registry:{registry}", registry, frozenset())
        async with dependencies.begin(Work, teller) as work:
            await registries.hear_mlflow(work, registry, news, event.timestamp)
