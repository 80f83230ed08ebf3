"""A POST that creates happens once: key, fingerprint and reply are kept in the effect's own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import StringConstraints
from sqlalchemy import Column, Integer, MetaData, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.canonical import digest
from moneyer_shared.database import Database, moment
from moneyer_shared.documents import read_json
from moneyer_shared.errors import Conflict, Invalid

KeyText = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
_key_header = Header(
    alias="Idempotency-Key",
    description="Repeat a request with the same key and it happens once.",
)
OptionalIdempotencyKey = Annotated[KeyText | None, _key_header]
IdempotencyKey = Annotated[KeyText, _key_header]


@dataclass(frozen=True)
class Reply:
    """What a use case answers: exactly what a repeat of the request will be answered too."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, status_code=self.status, headers=dict(self.headers))


def idempotency_table(metadata: MetaData) -> Table:
    return Table(
        "idempotency_keys",
        metadata,
        Column("caller", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", JSONB, nullable=False),
        Column("headers", JSONB, nullable=False),
        moment("created_at"),
    )


_kept = idempotency_table(MetaData())


@dataclass(frozen=True)
class Attempt:
    """One sending of a request that may be sent again: its key, if it has one, and a digest of the whole of it."""

    key: str | None
    fingerprint: str

    async def answered(self, connection: AsyncConnection, caller: str) -> Reply | None:
        """How the first attempt was answered; None for the first. The key is the caller's until the transaction ends.

        Raises:
            Conflict: the first attempt is still under way.
            Invalid: the key was used for another request.
        """
        if self.key is None:
            return None
        await _claim(connection, caller, self.key)
        return await self._kept_reply(connection, caller)

    async def answered_before(self, database: Database, caller: str) -> Reply | None:
        """How the first attempt was answered, before others are asked what the effect needs to know.

        It claims nothing: ``answered`` is asked again where the effect is kept.

        Raises:
            Invalid: the key was used for another request.
        """
        if self.key is None:
            return None
        async with database.transaction() as connection:
            return await self._kept_reply(connection, caller)

    async def _kept_reply(self, connection: AsyncConnection, caller: str) -> Reply | None:
        query = select(_kept).where(_kept.c.caller == caller, _kept.c.key == self.key)
        found = (await connection.execute(query)).one_or_none()
        if found is None:
            return None
        if found.fingerprint != self.fingerprint:
            raise Invalid(
                "This Idempotency-Key was used for another request; choose a new one.",
                code="idempotency-key-reused",
            )
        return Reply(found.status, found.body, found.headers)

    async def keep(self, connection: AsyncConnection, caller: str, reply: Reply) -> Reply:
        """The reply, kept for later attempts in the effect's own transaction."""
        if self.key is not None:
            values = {
                "caller": caller,
                "key": self.key,
                "fingerprint": self.fingerprint,
                "status": reply.status,
                "body": reply.body,
                "headers": dict(reply.headers),
                "created_at": func.clock_timestamp(),
            }
            await connection.execute(insert(_kept).values(values))
        return reply


async def _attempt(request: Request, key: OptionalIdempotencyKey = None) -> Attempt:
    return Attempt(key, fingerprint(request.method, request.url.path, await request.body()) if key else "")


async def _keyed_attempt(request: Request, key: IdempotencyKey) -> Attempt:
    return await _attempt(request, key)


ThisAttempt = Annotated[Attempt, Depends(_attempt)]
KeyedAttempt = Annotated[Attempt, Depends(_keyed_attempt)]


def fingerprint(method: str, path: str, body: bytes) -> str:
    """A digest of a whole request; JSON counts as what it says, not as it is spaced and ordered."""
    try:
        said = digest(read_json(body or b"null"))
    except Invalid:
        said = sha256(body).hexdigest()
    return digest([method, path, said])


async def is_used(connection: AsyncConnection, caller: str, key: str | None) -> bool:
    """Whether the caller has been answered under this key, whatever was asked."""
    query = select(_kept.c.key).where(_kept.c.caller == caller, _kept.c.key == key)
    return key is not None and await connection.scalar(query) is not None


async def _claim(connection: AsyncConnection, caller: str, key: str) -> None:
    claimed = await connection.scalar(
        select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"{caller}\n{key}", 0)))
    )
    if not claimed:
        raise in_flight()


def in_flight() -> Conflict:
    """The answer to a repeat that comes before the first request is answered."""
    return Conflict(
        "The first request with this Idempotency-Key is still under way; ask again shortly.",
        code="idempotency-key-in-flight",
        headers={"Retry-After": "1"},
    )
