"""Webhooks of one's own: whom the house calls, added, rotated and ended by their owners."""

from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import Row

from moneyer_lineage.domain.webhooks import secret_of
from moneyer_lineage.store.webhooks import WebhookStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import record_act
from moneyer_lineage.use_cases.messenger import Messenger, Unreached
from moneyer_shared.errors import Conflict, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent

MOST_OF_ONE_OWNER = 20
LAST_PORT = 65_535


async def check_url(messenger: Messenger, url: str) -> None:
    """See that the house would call there. It is not told why not: that would tell names inside from no names.

    Raises:
        Invalid: the house would not.
    """
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Invalid("This is no URL.", code="webhook-url") from error
    if parsed.scheme not in {"https", "http"} or not host or parsed.userinfo or parsed.fragment:
        raise Invalid("A webhook is an https URL without user, password and fragment.", code="webhook-url")
    if parsed.port is not None and not 0 < parsed.port <= LAST_PORT:
        raise Invalid(f"A port is a number from 1 to {LAST_PORT}.", code="webhook-url")
    try:
        await messenger.check(parsed)
    except Unreached as error:
        raise Invalid(
            "This URL cannot be called: give an https URL whose name leads to the public internet, or one that leads "
            "into a network the operator has named.",
            code="webhook-url",
        ) from error


async def subscribe(archive: Archive, messenger: Messenger, url: str, *, by: str, attempt: Attempt) -> Reply:
    """Have oneself called when an asset that one's models were trained on is stopped, replaced or destroyed.

    Raises:
        Invalid: the URL is none that may be called.
        Conflict: one has as many webhooks as one may.
    """
    if answer := await attempt.answered_before(archive.database, by):
        return answer
    await check_url(messenger, url)
    now = archive.clock()
    async with archive.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = WebhookStore(connection)
        if await store.in_use(by) >= MOST_OF_ONE_OWNER:
            raise Conflict(f"You have {MOST_OF_ONE_OWNER} webhooks; remove one first.", code="webhooks-full")
        row = await store.add(by, url, now)
        await record_act(connection, AuditEvent(by, "webhook.add", f"webhook:{row.id}"), now)
        return await attempt.keep(connection, by, Reply(201, show(row)))


def secret(archive: Archive, webhook_id: UUID, generation: int) -> str:
    return secret_of(archive.webhook_key, webhook_id, generation)


async def rotate(archive: Archive, webhook_id: UUID, generation: int, *, by: str) -> Row[Any]:
    """A new secret; for a day the one before signs too.

    Raises:
        NotFound: one has no such webhook.
        Conflict: it has another generation by now: it was rotated already.
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = WebhookStore(connection)
        row = await store.one(webhook_id, by)
        if row.generation != generation:
            raise Conflict(f"The secret is of generation {row.generation} already.", code="rotated-already")
        turned = await store.rotate(webhook_id, now)
        await record_act(connection, AuditEvent(by, "webhook.rotate", f"webhook:{webhook_id}"), now)
        return turned


async def remove(archive: Archive, webhook_id: UUID, *, by: str) -> None:
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = WebhookStore(connection)
        await store.one(webhook_id, by)
        await store.end(webhook_id, "removed by its owner", now)
        await record_act(connection, AuditEvent(by, "webhook.remove", f"webhook:{webhook_id}"), now)


async def redeliver(archive: Archive, webhook_id: UUID, delivery_id: UUID, *, by: str) -> None:
    """Try a delivery again, whether it was taken, is waiting or was given up.

    Raises:
        NotFound: one has no such webhook, or it no such delivery.
        Conflict: the webhook has ended.
    """
    async with archive.database.transaction() as connection:
        store = WebhookStore(connection)
        if (await store.one(webhook_id, by)).ended_at is not None:
            raise Conflict("The webhook has ended; add it anew.", code="webhook-ended")
        await store.again(webhook_id, delivery_id, archive.clock())


def show(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "owner": row.owner,
        "url": row.url,
        "generation": row.generation,
        "made_at": row.made_at.isoformat(),
        "rotated_at": row.rotated_at.isoformat() if row.rotated_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "ended_because": row.ended_because,
    }
