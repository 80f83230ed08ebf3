"""Webhooks of one's own: whom the house calls, added, rotated and ended by their owners."""

from uuid import UUID

import httpx

from moneyer_lineage.dependencies import Messenger, Work
from moneyer_lineage.webhooks.documents import Rotation, Webhook, WebhookDelivery, WebhookWithSecret
from moneyer_lineage.webhooks.messenger import Unreached
from moneyer_lineage.webhooks.rules.signing import secret_of
from moneyer_lineage.webhooks.store import WebhookStore
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Conflict, Invalid
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


async def add_webhook(work: Work, url: str) -> Webhook:
    """Have oneself called when an asset that one's models were trained on is stopped, replaced or destroyed.

    Raises:
        Conflict: one has as many webhooks as one may.
    """
    store = WebhookStore(work.connection)
    if await store.in_use(work.by) >= MOST_OF_ONE_OWNER:
        raise Conflict(f"You have {MOST_OF_ONE_OWNER} webhooks; remove one first.", code="webhooks-full")
    made = await store.add(work.by, url, work.now)
    await work.tell(AuditEvent(work.by, Action.WEBHOOK_ADD, f"webhook:{made.id}"))
    return made


async def list_webhooks(work: Work) -> list[Webhook]:
    return await WebhookStore(work.connection).of(work.by)


async def rotate_webhook(work: Work, webhook_id: UUID, asked: Rotation) -> WebhookWithSecret:
    """A new secret; for a day the one before signs too.

    Raises:
        NotFound: one has no such webhook.
        Conflict: it has another generation by now: it was rotated already.
    """
    store = WebhookStore(work.connection)
    known = await store.one(webhook_id, work.by)
    if known.generation != asked.generation:
        raise Conflict(f"The secret is of generation {known.generation} already.", code="rotated-already")
    turned = await store.rotate(webhook_id, work.now)
    await work.tell(AuditEvent(work.by, Action.WEBHOOK_ROTATE, f"webhook:{webhook_id}"))
    return turned.with_secret(secret_of(work.setup.webhook_key, turned.id, turned.generation))


async def remove_webhook(work: Work, webhook_id: UUID) -> None:
    """Be called no more.

    Raises:
        NotFound: one has no such webhook.
    """
    store = WebhookStore(work.connection)
    await store.one(webhook_id, work.by)
    await store.end(webhook_id, "removed by its owner", work.now)
    await work.tell(AuditEvent(work.by, Action.WEBHOOK_REMOVE, f"webhook:{webhook_id}"))


async def list_deliveries(work: Work, webhook_id: UUID, after: UUID | None = None) -> list[WebhookDelivery]:
    """What a webhook was told, the latest first.

    Raises:
        NotFound: one has no such webhook.
    """
    store = WebhookStore(work.connection)
    await store.one(webhook_id, work.by, lock=False)
    return await store.deliveries(webhook_id, after)


async def retry_delivery(work: Work, webhook_id: UUID, delivery_id: UUID) -> None:
    """Try a delivery again, whether it was taken, is waiting or was given up.

    Raises:
        NotFound: one has no such webhook, or it no such delivery.
        Conflict: the webhook has ended.
    """
    store = WebhookStore(work.connection)
    if (await store.one(webhook_id, work.by)).ended_at is not None:
        raise Conflict("The webhook has ended; add it anew.", code="webhook-ended")
    await store.again(webhook_id, delivery_id, work.now)
