"""What every use case of policy works with: collaborators, and what later wings tell earlier ones."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases.keyring import Keyring
from moneyer_policy.effects.use_cases.office import Conclude
from moneyer_policy.gate.store.rulebook import RulebookStore
from moneyer_policy.gate.use_cases.bench import Bench
from moneyer_policy.gate.use_cases.lane import Lane
from moneyer_policy.gate.use_cases.rulebook import Rulebook
from moneyer_policy.gate.use_cases.signer import Signer
from moneyer_policy.reviews.use_cases.office import InterestsIn, JudgesOf, LookedInto, SourceOwners
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database


@dataclass(frozen=True)
class Office:
    """Policy's collaborators; each wing asks of it what it needs, in a protocol of its own."""

    database: Database
    clock: Clock
    keyring: Keyring
    signer: Signer
    permit_lifetime: timedelta
    judges: JudgesOf
    interests: InterestsIn
    source_owners: SourceOwners
    looked_into: LookedInto
    kinds: Mapping[str, Conclude]
    """What follows from a decided review, by the kind of its matter."""
    backups_kept: timedelta = timedelta(0)
    public_url: str = ""
    rulebook: Rulebook = field(default_factory=Rulebook)
    lane: Lane = field(default_factory=Lane)
    bench: Bench = field(default_factory=Bench)

    @asynccontextmanager
    async def opening(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that opens keys: what governs stays as it is until it ends, and whoever stops something waits.

        The lock comes before every other, or two of them would wait for each other in a ring.
        """
        async with self.database.transaction() as connection:
            await RulebookStore(connection).hold()
            yield connection

    @asynccontextmanager
    async def changing(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that changes what the gate reads: it waits for the decisions under way, none outruns it."""
        async with self.database.transaction() as connection:
            await RulebookStore(connection).begin_epoch()
            yield connection
