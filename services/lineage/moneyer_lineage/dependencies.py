"""Lineage's collaborators, and where work of any kind begins."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared import work
from moneyer_shared.auth import Caller
from moneyer_shared.clients.evidence import EvidenceClient
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database
from moneyer_shared.journal import AuditEvent
from moneyer_shared.work import W

ITSELF = Caller("lineage", "lineage", frozenset())
"""Who works where nobody asked: the loops beside the API."""
T = TypeVar("T")


@dataclass(frozen=True)
class Setup:
    """What the operator says of this instance."""

    origin: str
    """The name of the log, and of whatever is told in its name."""
    webhook_key: bytes
    """32 bytes that the secrets of all webhooks are derived from."""
    curator: str
    """Who answers for the data, by the name that stands on cards."""
    registries: Mapping[str, str] = field(default_factory=dict[str, str])
    """The secret of each model registry that is heard, by its name: a namespace of models that are its own."""
    speakers: Mapping[str, str] = field(default_factory=dict[str, str])
    """The service that each client at the issuer speaks for."""


class Acts:
    """What lineage itself does in a transaction, in order, until it is logged at its end."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    async def record(
        self,
        connection: AsyncConnection,
        at: datetime,
        event: AuditEvent,
        *,
        lineage: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Keep an audit event for the end of the transaction; OpenLineage events are taken in, not told here."""
        del connection, at
        assert not lineage
        self.events.append(event)


@dataclass(frozen=True)
class Work(work.Work):
    """One transaction of one request, or of a loop."""

    setup: Setup


class Signer(Protocol):
    """The key of the log."""

    @property
    def verifier_key(self) -> str:
        """The public key, as a verifier of signed notes takes it."""
        ...

    @property
    def key_id(self) -> str:
        """Hexadecimal, as notes and envelopes name it."""
        ...

    def sign(self, size: int, root: bytes) -> str:
        """A checkpoint, signed."""
        ...

    def sign_bytes(self, content: bytes) -> bytes:
        """A signature of other content than a checkpoint."""
        ...


class Messenger(Protocol):
    """Calls to receivers that anybody may have named."""

    async def check(self, url: httpx.URL) -> None: ...

    async def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> str: ...


class Throttle(Protocol):
    """What bounds how much strangers may send."""

    def take(self) -> None: ...


LogActs = Callable[[AsyncConnection, Sequence[AuditEvent], datetime], Awaitable[None]]


def _made(kind: type[W], *of: object) -> W:
    """Work of a kind; every kind of this service takes the same."""
    return cast("Callable[..., W]", kind)(*of)


@dataclass(frozen=True)
class Dependencies:
    """Lineage's collaborators."""

    database: Database
    clock: Clock
    setup: Setup
    signer: Signer
    evidence: EvidenceClient
    messenger: Messenger
    throttle: Throttle
    log_acts: LogActs
    """Gives what lineage did its places in the log, in the transaction that did it (I4)."""

    @asynccontextmanager
    async def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[W]:
        """A transaction; what was done in it is logged last, or two transactions wait for each other in a ring."""
        now, acts = self.clock(), Acts()
        async with self.database.transaction(read_only=read_only) as connection:
            yield _made(kind, connection, now, caller, acts, self.setup)
            if acts.events:
                await self.log_acts(connection, acts.events, now)

    async def run(self, use_case: Callable[[Work], Awaitable[T]]) -> T:
        """Run a use case in a transaction of lineage's own."""
        async with self.begin(Work, ITSELF) as of_its_own:
            return await use_case(of_its_own)
