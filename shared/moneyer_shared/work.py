"""What a use case works with: one transaction, its moment and who asks; or, where peers are asked, none yet."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.auth import Caller
from moneyer_shared.database import Database
from moneyer_shared.journal import AuditEvent


class Recorder(Protocol):
    """Where audit events of a transaction are recorded: a service's journal, or lineage's own log."""

    async def record(
        self,
        connection: AsyncConnection,
        at: datetime,
        event: AuditEvent,
        *,
        lineage: Sequence[Mapping[str, object]] = (),
    ) -> None: ...


@dataclass(frozen=True)
class Work:
    """One transaction of one request. A service's own kinds of work add what its use cases need beside.

    The kind is the type of a use case's first parameter: it says how the transaction begins, and no use case can
    hand on less than another asks for.
    """

    connection: AsyncConnection
    now: datetime
    caller: Caller
    journal: Recorder

    @property
    def by(self) -> str:
        """The subject of who asks."""
        return self.caller.subject

    async def tell(self, event: AuditEvent, *, lineage: Sequence[Mapping[str, object]] = ()) -> None:
        """Record an audit event, and OpenLineage events to deliver, in this transaction."""
        await self.journal.record(self.connection, self.now, event, lineage=lineage)


W = TypeVar("W", bound=Work)
D_co = TypeVar("D_co", bound="Dependencies", covariant=True)


class Dependencies(Protocol):
    """A service's collaborators, as a route knows them: its database, and where work of any kind begins."""

    @property
    def database(self) -> Database: ...

    def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AbstractAsyncContextManager[W]: ...


async def keep_nothing(connection: AsyncConnection, document: object) -> None:
    """Nobody repeats what no request began."""
    del connection, document


@dataclass(frozen=True)
class Workflow(Generic[D_co]):
    """A use case that asks other services: no transaction is open while it waits for them, and it begins its own.

    What it keeps for a repeat of the request, it keeps with the effect: ``await flow.keep(work, document)``.
    """

    dependencies: D_co
    caller: Caller
    keep_reply: Callable[[AsyncConnection, object], Awaitable[None]] = keep_nothing

    @property
    def by(self) -> str:
        """The subject of who asks."""
        return self.caller.subject

    def begin(self, kind: type[W], *, read_only: bool = False) -> AbstractAsyncContextManager[W]:
        """One transaction of it."""
        return self.dependencies.begin(kind, self.caller, read_only=read_only)

    async def keep(self, work: Work, document: object) -> None:
        """Keep the answer for a repeat of the request, in the transaction of its effect.

        Raises:
            Conflict: the same request, sent twice at once, was answered or is being answered meanwhile; nothing of this
                transaction counts.
        """
        await self.keep_reply(work.connection, document)


class IfMatch(str):
    """The condition of a change: the entity tags of what the caller read (RFC 9110 §13.1.1)."""

    __slots__ = ()

    def meets(self, current: str) -> bool:
        """Whether what stands now is what was read; ``*`` is content with anything."""
        return self.strip() == "*" or current in (tag.strip(" \t") for tag in self.split(","))
