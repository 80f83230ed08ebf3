"""Webhooks: whom the house calls, past their outages, without being made to call where it should not."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import Row

from mintmark_lineage.domain.webhooks import (
    ANSWERED_WITHIN,
    MOST_ATTEMPTS,
    Network,
    body_of,
    may_be_called,
    pause_after,
    secret_of,
    secrets_of,
    signed_headers,
)
from mintmark_lineage.store.webhooks import WebhookStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_lineage.use_cases.log import record_act
from mintmark_shared.errors import Conflict, Invalid
from mintmark_shared.idempotency import Attempt, Reply
from mintmark_shared.journal import AuditEvent

AT_ONCE = 20
PATIENCE_SECONDS = 15
GONE = 410
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class NotTaken(Exception):
    """A receiver did not take a delivery; it is tried again later."""


class GoneForGood(NotTaken):
    """A receiver says that it wants no more of these."""


class MayNotBeCalled(NotTaken):
    """A webhook leads where the house may not call."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def plain_client() -> httpx.AsyncClient:
    """A client for strangers: no proxy, no redirect, and no connection that outlives its request.

    A connection is to an address; kept, it would be used for another host of the same address.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits, trust_env=False, follow_redirects=False)


@dataclass(frozen=True)
class Messenger:
    """Calls webhooks, and only at addresses of the public internet or of the ``networks`` that were named."""

    http: httpx.AsyncClient
    networks: Sequence[Network] = ()
    resolve: Resolve = resolve

    async def address_of(self, url: httpx.URL) -> str:
        """The address to call, looked up now: what a name meant when it was registered it need not mean any more.

        Raises:
            MayNotBeCalled: one of its addresses is none to be called, or none to be called by plain http.
            NotTaken: the name is not known.
        """
        secure = url.scheme == "https"
        try:
            found = await self.resolve(url.host, url.port or (443 if secure else 80))
        except (OSError, UnicodeError) as error:
            # A label that is too long, or no IDNA, is a UnicodeError.
            raise NotTaken("its name is not known") from error
        if not found or not all(may_be_called(address, self.networks, public=secure) for address in found):
            inside = "its name leads into a network that is not to be called"
            raise MayNotBeCalled(inside if secure else "only https is called outside")
        return found[0]

    async def deliver(self, url: str, headers: dict[str, str], body: bytes) -> str:
        """Post once; how it was answered.

        Raises:
            NotTaken: it was not answered with a 2xx.
        """
        parsed = httpx.URL(url)
        address = await self.address_of(parsed)
        request = self.http.build_request(
            "POST",
            parsed.copy_with(host=address),
            content=body,
            headers={"Host": parsed.netloc.decode(), **headers},
            extensions={"sni_hostname": parsed.host},
        )
        try:
            answer = await self.http.send(request, stream=True)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise NotTaken(type(error).__name__) from error
        # What a stranger answers is not read: it may be endless.
        await answer.aclose()
        if answer.status_code == GONE:
            raise GoneForGood(f"answered {GONE}")
        if not answer.is_success:
            raise NotTaken(f"answered {answer.status_code}")
        return f"answered {answer.status_code}"


async def check_url(messenger: Messenger, url: str) -> None:
    """Raises Invalid: the house would not call there."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Invalid("This is no URL.", code="webhook-url") from error
    if parsed.scheme not in {"https", "http"} or not host or parsed.userinfo or parsed.fragment:
        raise Invalid("A webhook is an https URL without user, password and fragment.", code="webhook-url")
    try:
        await messenger.address_of(parsed)
    except NotTaken as error:
        raise Invalid(f"This URL cannot be called: {error}.", code="webhook-url") from error


# --- one's own webhooks ------------------------------------------------------------------------


async def subscribe(archive: Archive, messenger: Messenger, url: str, *, by: str, attempt: Attempt) -> Reply:
    """Have oneself called when an asset that one's models were trained on is stopped, replaced or destroyed.

    Raises:
        Invalid: the URL is none that may be called.
    """
    await check_url(messenger, url)
    now = archive.clock()
    async with archive.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        row = await WebhookStore(connection).add(by, url, now)
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


# --- delivering ----------------------------------------------------------------------------------


async def deliver_due(archive: Archive, messenger: Messenger) -> int:
    """Try every delivery that is due; how many were tried.

    A delivery is counted as tried before it is sent, and is due again later until it is known to be taken: a process
    that dies in between has it sent twice, under one id, but never loses it.
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        claimed = await WebhookStore(connection).claim(now, now + ANSWERED_WITHIN, AT_ONCE)
    await asyncio.gather(*(_deliver(archive, messenger, row) for row in claimed))
    return len(claimed)


async def _deliver(archive: Archive, messenger: Messenger, row: Row[Any]) -> None:
    now, body = archive.clock(), body_of(row.event)
    secrets = secrets_of(archive.webhook_key, row.webhook_id, row.generation, row.rotated_at, now)
    try:
        answer = await messenger.deliver(row.url, signed_headers(secrets, str(row.id), now, body), body)
    except NotTaken as failure:
        await _failed(archive, row, failure)
    else:
        await _settle(archive, row, "delivered", delivered_at=archive.clock(), answer=answer)


async def _failed(archive: Archive, row: Row[Any], failure: NotTaken) -> None:
    now = archive.clock()
    if isinstance(failure, GoneForGood):
        async with archive.database.transaction() as connection:
            await WebhookStore(connection).settle(row.id, answer=str(failure), given_up_at=now)
            await WebhookStore(connection).end(row.webhook_id, "its receiver answered 410 Gone", now)
            await record_act(connection, AuditEvent("lineage", "webhook.end", f"webhook:{row.webhook_id}"), now)
    elif row.attempts >= MOST_ATTEMPTS:
        await _settle(archive, row, "given-up", given_up_at=now, answer=str(failure))
    else:
        due = now + pause_after(row.attempts, random.random())  # noqa: S311
        async with archive.database.transaction() as connection:
            await WebhookStore(connection).settle(row.id, due_at=due, answer=str(failure))


async def _settle(archive: Archive, row: Row[Any], outcome: str, **values: Any) -> None:
    """The end of a delivery, with a leaf in the log: an outsider can see that an owner was told, or was not."""
    async with archive.database.transaction() as connection:
        await WebhookStore(connection).settle(row.id, **values)
        subject, details = f"asset:{row.event['subject']}", {"delivery": str(row.id), "attempts": row.attempts}
        event = AuditEvent("lineage", "webhook.deliver", subject, outcome, details)
        await record_act(connection, event, archive.clock())
