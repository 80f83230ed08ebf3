"""Standard Webhooks: how a secret comes about, what is signed, and when a failed delivery is tried again."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from moneyer_lineage.record.rules.shapes import Json

PREFIX = "whsec_"
ANSWERED_WITHIN = timedelta(minutes=1)
"""Longer than any one attempt can take: after it a delivery nobody knows the end of is tried again."""
BOTH_SIGN = timedelta(hours=24)
"""How long the secret before a rotation still signs beside the new one."""
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
)  # fmt: skip
"""From one attempt to the next (Standard Webhooks, "Delivery attempts"): ten attempts in 75 hours."""
MOST_ATTEMPTS = len(PAUSES) + 1
TYPE = "application/cloudevents+json; charset=utf-8"


def secret_of(master: bytes, webhook: UUID, generation: int) -> str:
    """A webhook's secret: derived, so that whoever copies the database can sign nothing."""
    made = hmac.digest(master, f"moneyer webhook {webhook} {generation}".encode(), hashlib.sha256)
    return PREFIX + base64.b64encode(made).decode()


def secrets_of(master: bytes, webhook: UUID, generation: int, rotated_at: datetime | None, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first."""
    both = rotated_at is not None and now < rotated_at + BOTH_SIGN
    return [secret_of(master, webhook, one) for one in ([generation, generation - 1] if both else [generation])]


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64>``: HMAC-SHA256 of id, Unix time and body (Standard Webhooks, "Signature scheme")."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), signed, hashlib.sha256)
    return "v1," + base64.b64encode(made).decode()


def signed_headers(secrets: Sequence[str], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    timestamp = int(now.timestamp())
    return {
        "Content-Type": TYPE,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }


def pause_after(attempts: int, spread: float) -> timedelta:
    """How long to wait after so many attempts; ``spread`` in [0, 1) parts receivers that fell together by a tenth."""
    return PAUSES[min(attempts, len(PAUSES)) - 1] * (1 + spread / 10)


def cloud_event(*, event_id: str, kind: str, source: str, subject: str, at: datetime, data: Any) -> Json:
    """An event as CloudEvents 1.0.2 has it, in structured mode."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": f"dev.moneyer.{kind}",
        "subject": subject,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def body_of(event: Json) -> bytes:
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()
