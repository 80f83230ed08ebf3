"""A POST that creates happens once: key, fingerprint and reply are kept in the effect's own transaction."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import JSONResponse
from sqlalchemy import Column, Integer, MetaData, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_shared.canonical import digest
from mintmark_shared.database import moment
from mintmark_shared.errors import Conflict, Invalid

_key_header = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=255,
    pattern=r"^[\x21-\x7e]+$",
    description="Repeat a request with the same key and it happens once.",
)
OptionalIdempotencyKey = Annotated[str | None, _key_header]
IdempotencyKey = Annotated[str, _key_header]


@dataclass(frozen=True)
class Reply:
    """What a use case answers: exactly what a repeat of the request will be answered too."""

    status: int
    body: Any
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


async def once(
    connection: AsyncConnection,
    table: Table,
    *,
    caller: str,
    key: str | None,
    request: Any,
    effect: Callable[[], Awaitable[Reply]],
) -> Reply:
    """Run ``effect``, or answer as the first request with this key was answered.

    Raises:
        Conflict: the first request with this key is still under way.
        Invalid: the key was used for another request.
    """
    if key is None:
        return await effect()
    await _claim(connection, caller, key)
    fingerprint = digest(request)
    found = (await connection.execute(select(table).where(table.c.caller == caller, table.c.key == key))).one_or_none()
    if found is not None:
        if found.fingerprint != fingerprint:
            raise Invalid(
                "This Idempotency-Key was used for another request; choose a new one.",
                code="idempotency-key-reused",
            )
        return Reply(found.status, found.body, found.headers)
    reply = await effect()
    await connection.execute(
        insert(table).values(
            caller=caller,
            key=key,
            fingerprint=fingerprint,
            status=reply.status,
            body=reply.body,
            headers=dict(reply.headers),
            created_at=func.clock_timestamp(),
        )
    )
    return reply


async def _claim(connection: AsyncConnection, caller: str, key: str) -> None:
    claimed = await connection.scalar(
        select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"{caller}\n{key}", 0)))
    )
    if not claimed:
        raise Conflict(
            "The first request with this Idempotency-Key is still under way; ask again shortly.",
            code="idempotency-key-in-flight",
            headers={"Retry-After": "1"},
        )
