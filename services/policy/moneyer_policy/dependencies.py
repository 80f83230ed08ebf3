"""Policy's collaborators, where every transaction begins, and what later wings tell earlier ones."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from moneyer_policy.assets.use_cases.keyring import Keyring
from moneyer_policy.charters.use_cases.governing import judges_of
from moneyer_policy.effects.use_cases import effects
from moneyer_policy.gate.store.rulebook import RulebookStore
from moneyer_policy.gate.use_cases.decisions import Plans
from moneyer_policy.gate.use_cases.group_commit import GroupCommit
from moneyer_policy.gate.use_cases.rulebook import Rulebook
from moneyer_policy.gate.use_cases.signer import Signer
from moneyer_policy.gate.use_cases.worker_threads import WorkerThreads
from moneyer_policy.incidents.use_cases.incidents import INCIDENT
from moneyer_policy.incidents.use_cases.interests import interests_in, looked_into, source_owners
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases.kinds import Kind, registry
from moneyer_policy.work import ChangingRules, OpeningKeys, Snapshot, Work
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
    kinds: Mapping[str, Kind]
    """What is put up for votes, by name."""
    judges = staticmethod(judges_of)
    interests = staticmethod(interests_in)
    source_owners = staticmethod(source_owners)
    looked_into = staticmethod(looked_into)
    backups_kept: timedelta = timedelta(0)
    public_url: str = ""
    rulebook: Rulebook = field(default_factory=Rulebook)
    plans: Plans = field(default_factory=GroupCommit)
    """Where plans wait to be decided together."""
    threads: WorkerThreads = field(default_factory=WorkerThreads)

    @asynccontextmanager
    async def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[W]:
        """A transaction of a kind of work, for whoever asks."""
        database, snapshot = self.database, issubclass(kind, Snapshot)
        async with database.snapshot() if snapshot else database.transaction(read_only=read_only) as connection:
            if issubclass(kind, ChangingRules):
                await RulebookStore(connection).begin_epoch()
            elif issubclass(kind, OpeningKeys):
                await RulebookStore(connection).hold()
            more = {"dependencies": self} if issubclass(kind, Work) else {}
            yield kind(connection, self.clock(), caller, journal, **more)
