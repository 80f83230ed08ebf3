"""Policy's collaborators, where every transaction begins, and what later wings tell earlier ones."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases.keyring import Keyring
from moneyer_policy.effects.use_cases import effects
from moneyer_policy.gate.store.rulebook import RulebookStore
from moneyer_policy.gate.use_cases.bench import Bench
from moneyer_policy.gate.use_cases.lane import Lane
from moneyer_policy.gate.use_cases.rulebook import Rulebook
from moneyer_policy.gate.use_cases.signer import Signer
from moneyer_policy.incidents.use_cases.incidents import INCIDENT
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.judges import Judges
from moneyer_policy.reviews.use_cases.kinds import Kind, registry
from moneyer_policy.reviews.use_cases.office import InterestsIn, LookedInto, SourceOwners
from moneyer_policy.reviews.use_cases.reviews import Matter
from moneyer_policy.work import ChangingRules, OpeningKeys, Work
from moneyer_shared.auth import Caller
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database
from moneyer_shared.work import W

KINDS = registry((*effects.KINDS, INCIDENT))
"""Everything that is put up for votes."""


@dataclass(frozen=True)
class Dependencies:
    """Policy's collaborators."""

    database: Database
    clock: Clock
    keyring: Keyring
    signer: Signer
    permit_lifetime: timedelta
    judges: Callable[[Work, Matter], Awaitable[Judges]]
    interests: InterestsIn
    source_owners: SourceOwners
    looked_into: LookedInto
    kinds: Mapping[str, Kind]
    """What is put up for votes, by name."""
    backups_kept: timedelta = timedelta(0)
    public_url: str = ""
    rulebook: Rulebook = field(default_factory=Rulebook)
    lane: Lane = field(default_factory=Lane)
    bench: Bench = field(default_factory=Bench)

    @asynccontextmanager
    async def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[W]:
        """A transaction of a kind of work, for whoever asks."""
        async with self.database.transaction(read_only=read_only) as connection:
            if issubclass(kind, ChangingRules):
                await RulebookStore(connection).begin_epoch()
            elif issubclass(kind, OpeningKeys):
                await RulebookStore(connection).hold()
            more = {"dependencies": self} if issubclass(kind, Work) else {}
            yield kind(connection, self.clock(), caller, journal, **more)

    @asynccontextmanager
    async def opening(self) -> AsyncGenerator[AsyncConnection]:
        """As ``OpeningKeys``, where no work is begun yet."""
        async with self.database.transaction() as connection:
            await RulebookStore(connection).hold()
            yield connection

    @asynccontextmanager
    async def changing(self) -> AsyncGenerator[AsyncConnection]:
        """As ``ChangingRules``, where no work is begun yet."""
        async with self.database.transaction() as connection:
            await RulebookStore(connection).begin_epoch()
            yield connection
