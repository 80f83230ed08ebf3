"""Webhooks of those who own models: who is called, and what they were told."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.documents import Document, Moment


class WebhookRequest(Document):
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

    def with_secret(self, secret: str) -> "WebhookWithSecret":
        return WebhookWithSecret(**dict(self), secret=secret)


class WebhookWithSecret(Webhook):
    """``secret`` signs what we send (Standard Webhooks); after a rotation the one before signs too, for a day."""

    secret: str


class Rotation(Document):
    """``generation`` is that of the secret to be replaced, so that one wish for a new one makes one."""

    generation: Annotated[int, Field(ge=1, lt=2**31)]


class WebhookDelivery(Document):
    """``answer`` is how the last attempt ended; a delivery neither taken nor given up is tried again at ``due_at``."""

    id: UUID
    event: Json
    made_at: Moment
    attempts: int
    due_at: Moment
    delivered_at: Moment | None
    given_up_at: Moment | None
    answer: str | None
