"""Whose a thing is: its maker's, until somebody who answers for that gives it to another."""

from datetime import datetime

from sqlalchemy import Column, Index, MetaData, Table, Text, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.database import identifier, moment
from moneyer_shared.errors import Forbidden


def owners_table(metadata: MetaData) -> Table:
    """One row for each time a thing was given away; the latest counts. ``subject`` is its id or name."""
    return Table(
        "owners",
        metadata,
        identifier(),
        Column("kind", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("given_by", Text, nullable=False),
        moment("given_at"),
        Index("ix_owners_kind_subject", "kind", "subject"),
    )


_given = owners_table(MetaData())


async def owner_of(connection: AsyncConnection, kind: str, subject: object, maker: str) -> str:
    """Who owns a thing now that ``maker`` made."""
    query = select(_given.c.owner).where(_given.c.kind == kind, _given.c.subject == str(subject))
    return await connection.scalar(query.order_by(_given.c.id.desc()).limit(1)) or maker


async def give(connection: AsyncConnection, kind: str, subject: object, owner: str, *, by: str, at: datetime) -> None:
    values = {"kind": kind, "subject": str(subject), "owner": owner, "given_by": by, "given_at": at}
    await connection.execute(insert(_given).values(values))


def check_own(owner: str, by: str, what: str, *others: str) -> None:
    """See that somebody owns a thing, or is one of ``others`` its owner lets at it.

    Raises:
        Forbidden: they are not.
    """
    if by != owner and by not in others:
        raise Forbidden(f"{what} is {owner}'s; ask them.", code="not-yours")
