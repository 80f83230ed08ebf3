"""Webhooks of those who own models: who is called, and what they were told."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from moneyer_lineage.api.words import InArchive
from moneyer_lineage.store.webhooks import WebhookStore
from moneyer_lineage.use_cases import webhooks
from moneyer_lineage.use_cases.messenger import Messenger
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment
from moneyer_shared.idempotency import KeyedAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
OWN = requires("lineage:webhooks:write")


async def _messenger(request: Request) -> Messenger:
    messenger: Messenger = request.app.state.messenger
    return messenger


class WebhookSaid(Document):
    url: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$")]


class Webhook(Document):
    """Whom we call with CloudEvents when an asset that a model of its owner was trained on is suspended, resumed,
    withdrawn, substituted or retired. An ended one is called no more.
    """

    id: UUID
    owner: str
    url: str
    generation: int
    made_at: Moment
    rotated_at: Moment | None
    ended_at: Moment | None
    ended_because: str | None


class WebhookWithSecret(Webhook):
    """``secret`` signs what we send (Standard Webhooks); after a rotation the one before signs too, for a day."""

    secret: str


class Rotation(Document):
    """``generation`` is that of the secret to be replaced, so that one wish for a new one makes one."""

    generation: Annotated[int, Field(ge=1, lt=2**31)]


class Delivery(Document):
    """``answer`` is how the last attempt ended; a delivery neither taken nor given up is tried again at ``due_at``."""

    id: UUID
    event: dict[str, Any]
    made_at: Moment
    attempts: int
    due_at: Moment
    delivered_at: Moment | None
    given_up_at: Moment | None
    answer: str | None


@router.post(
    "", status_code=201, response_model=WebhookWithSecret, operation_id="addWebhook", summary="Have yourself called"
)
async def add(
    said: WebhookSaid,
    archive: InArchive,
    attempt: KeyedAttempt,
    messenger: Annotated[Messenger, Depends(_messenger)],
    caller: Caller = OWN,
) -> JSONResponse:
    reply = await webhooks.subscribe(archive, messenger, said.url, by=caller.subject, attempt=attempt)
    # What is kept for a repeat holds no secret; it is derived anew.
    secret = webhooks.secret(archive, UUID(reply.body["id"]), reply.body["generation"])
    return JSONResponse(reply.body | {"secret": secret}, reply.status, {"Cache-Control": "no-store"})


@router.get("", operation_id="listWebhooks", summary="Your webhooks")
async def list_webhooks(archive: InArchive, caller: Caller = OWN) -> list[Webhook]:
    async with archive.database.transaction() as connection:
        rows = await WebhookStore(connection).of(caller.subject)
    return [Webhook.model_validate(row, from_attributes=True) for row in rows]


@router.post(
    "/{webhook_id}:rotate",
    response_model=WebhookWithSecret,
    operation_id="rotateWebhook",
    summary="A new secret; for a day the one before signs too",
)
async def rotate(webhook_id: UUID, said: Rotation, archive: InArchive, caller: Caller = OWN) -> JSONResponse:
    row = await webhooks.rotate(archive, webhook_id, said.generation, by=caller.subject)
    secret = webhooks.secret(archive, row.id, row.generation)
    return JSONResponse(webhooks.show(row) | {"secret": secret}, headers={"Cache-Control": "no-store"})


@router.delete("/{webhook_id}", status_code=204, operation_id="removeWebhook", summary="Be called no more")
async def remove(webhook_id: UUID, archive: InArchive, caller: Caller = OWN) -> None:
    await webhooks.remove(archive, webhook_id, by=caller.subject)


@router.get("/{webhook_id}/deliveries", operation_id="listDeliveries", summary="What it was told, the latest first")
async def deliveries(
    webhook_id: UUID,
    archive: InArchive,
    pages: Pages,
    after: Annotated[UUID | None, Query()] = None,
    caller: Caller = OWN,
) -> list[Delivery]:
    async with archive.database.transaction() as connection:
        store = WebhookStore(connection)
        await store.one(webhook_id, caller.subject)
        rows = await store.deliveries(webhook_id, after)
    pages.follow(rows)
    return [Delivery.model_validate(row, from_attributes=True) for row in rows]


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}:retry",
    status_code=204,
    operation_id="retryDelivery",
    summary="Try a delivery again now",
)
async def retry(webhook_id: UUID, delivery_id: UUID, archive: InArchive, caller: Caller = OWN) -> None:
    await webhooks.redeliver(archive, webhook_id, delivery_id, by=caller.subject)
