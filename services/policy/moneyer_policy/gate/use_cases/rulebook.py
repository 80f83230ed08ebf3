"""Everything the gate reads besides balances, kept compiled in memory and never older than the epoch.

A decision holds the lock on what governs, shared, until it commits; whoever changes a charter, a
suspension, an assessment or the library holds it alone and begins a new epoch first. So what a decision was
judged by is what was in force when it committed, though it is read from memory. What decides nothing (a dry run, an
explanation, another system's question) holds no lock: it reads one moment of the database, and the epoch in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import rfc8785
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.rules.unit import Unit
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.charters.rules.charter import Charter, read_charter
from moneyer_policy.charters.rules.versions import Standing, State, VersionRecord, state_at
from moneyer_policy.charters.store import CharterStore, standing_of
from moneyer_policy.gate.rules.facts import Stop
from moneyer_policy.gate.rules.waiver import WaiverInEffect
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.store.rulebook import Epoch, RulebookStore
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.library.rules.assessment import Assessment
from moneyer_policy.library.rules.library import Entry, Rejection
from moneyer_policy.library.store import LibraryStore

MOST_KEPT = 5_000


@dataclass(frozen=True)
class Version:
    """One version of a charter with what its state depends on."""

    number: int
    charter: Charter
    standing: Standing
    approved_until: datetime | None


@dataclass(frozen=True)
class CharterSnapshot:
    """All that is known of one charter: the versions that were voted into force, and how the newest of all stands."""

    versions: tuple[Version, ...]
    newest: Standing
    assessments: tuple[Assessment, ...]
    waivers: tuple[WaiverInEffect, ...]

    def governing(self, now: datetime) -> Version | None:
        """The version that came into force last; None while none ever was."""
        begun = [
            version
            for version in self.versions
            if version.standing.in_force_at is not None and version.standing.in_force_at <= now
        ]
        return max(begun, key=lambda version: version.number, default=None)

    def state(self, now: datetime) -> State:
        """Of what governs, or of the newest version where nothing does."""
        governs = self.governing(now)
        return state_at(governs.standing if governs is not None else self.newest, now)


@dataclass(frozen=True)
class SourceKey:
    """What policy wrote down of a source's key when it made it."""

    resource: str
    population_id: UUID | None
    partitions: tuple[str, ...]


@dataclass(frozen=True)
class Allotment:
    """The accounts a charter's plan on a population is paid from, by partition, and the population's privacy unit."""

    own: Mapping[str, UUID]
    allocated: Mapping[str, UUID]
    unit: Unit | None

    def of(self, partitions: Sequence[str]) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
        """(the population's accounts, the charter's) for a source; one that names no partition touches all.

        A partition without an account leaves its side empty: the gate refuses it.
        """
        touched = partitions or tuple(self.own)
        return _all_of(self.own, touched), _all_of(self.allocated, touched)


def _all_of(accounts: Mapping[str, UUID], touched: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(accounts[name] for name in touched) if touched and set(touched) <= set(accounts) else ()


@dataclass
class RulebookSnapshot:
    """The rules of one epoch, read as they are asked for and kept."""

    epoch: Epoch
    library: Mapping[str, Entry]
    rejections: tuple[Rejection, ...]
    trained: Mapping[str, Sequence[tuple[str, datetime]]]
    closed: Mapping[str, str]
    """Rules that the house takes no exceptions from, and why."""
    charters: dict[UUID, CharterSnapshot | None] = field(default_factory=dict[UUID, CharterSnapshot | None])
    keys: dict[UUID, SourceKey] = field(default_factory=dict[UUID, SourceKey])
    allotments: dict[tuple[UUID, UUID], Allotment] = field(default_factory=dict[tuple[UUID, UUID], Allotment])
    mechanisms: set[str] = field(default_factory=set[str])
    """Digests of mechanisms that are written down for certain."""
    stops: frozenset[Stop] = frozenset()
    """Sources and populations that are suspended."""

    def trained_in(self, person: str, now: datetime) -> frozenset[str]:
        return frozenset(topic for topic, until in self.trained.get(person, ()) if now < until)

    async def charter(self, connection: AsyncConnection, charter_id: UUID, now: datetime) -> CharterSnapshot | None:
        """A charter; None where nobody made one of that id."""
        if charter_id not in self.charters:
            self.charters[charter_id] = await _read_charter(connection, charter_id, now)
        return self.charters[charter_id]

    async def key(self, connection: AsyncConnection, key_id: UUID) -> SourceKey | None:
        """A key that opens something; one that is unknown or destroyed is asked for again every time."""
        if key_id not in self.keys:
            row = await DecisionStore(connection).key(key_id)
            if row is None or row.wrapped is None:
                return None
            self.keys[key_id] = SourceKey(row.resource, row.population_id, tuple(row.partitions))
        return self.keys[key_id]

    async def allotment(self, connection: AsyncConnection, population_id: UUID, charter_id: UUID) -> Allotment:
        wanted = (population_id, charter_id)
        if wanted not in self.allotments:
            store = BudgetStore(connection)
            own, allocated = await store.account_ids(population_id, charter_id)
            self.allotments[wanted] = Allotment(own, allocated, await store.unit_of(population_id))
        return self.allotments[wanted]

    @property
    def size(self) -> int:
        return len(self.charters) + len(self.keys) + len(self.allotments)


class Rulebook:
    """The rules of the present epoch, shared by all decisions of this process."""

    def __init__(self) -> None:
        self._kept: RulebookSnapshot | None = None

    async def open(self, connection: AsyncConnection) -> RulebookSnapshot:
        """The rules as they stand, and as they will stand until the caller's transaction ends."""
        store = RulebookStore(connection)
        await store.hold()
        epoch = await store.epoch()
        kept = self._kept
        if kept is None or kept.epoch != epoch or kept.size > MOST_KEPT:
            kept = self._kept = await _read_rules(connection, epoch)
        return kept

    async def read(self, connection: AsyncConnection) -> RulebookSnapshot:
        """The rules at the moment that a ``Snapshot`` reads: from memory where they are the same, else kept by nobody.

        No lock is asked for.
        """
        kept = self._kept
        if kept is not None and kept.epoch == await RulebookStore(connection).epoch():
            return kept
        return await self.private(connection)

    @staticmethod
    async def private(connection: AsyncConnection) -> RulebookSnapshot:
        """The rules as this transaction sees them, kept by nobody: it changes them itself, or reads one moment.

        What a transaction that changes them reads is not out yet, and never will be should it fail.
        """
        return await _read_rules(connection, await RulebookStore(connection).epoch())


async def _read_rules(connection: AsyncConnection, epoch: Epoch) -> RulebookSnapshot:
    store = LibraryStore(connection)
    trained: dict[str, list[tuple[str, datetime]]] = {}
    for row in await store.attestations():
        trained.setdefault(row.person, []).append((row.topic, row.valid_until))
    stops = frozenset(Stop(row.kind, str(row.subject)) for row in await CharterStore(connection).suspended_holdings())
    return RulebookSnapshot(
        epoch, await store.library(), await store.rejections(), trained, await store.closed(), stops=stops
    )


async def _read_charter(connection: AsyncConnection, charter_id: UUID, now: datetime) -> CharterSnapshot | None:
    rows = await CharterStore(connection).versions(charter_id, now)
    if not rows:
        return None
    store = LibraryStore(connection)
    return CharterSnapshot(
        # Drafts are not even read: nothing in one can slow or stop what is decided under another version.
        tuple(_version(row) for row in rows if row.in_force_at is not None),
        standing_of(rows[-1]),
        await store.assessments(charter_id),
        await WaiverStore(connection).in_effect(charter_id),
    )


def _version(row: VersionRecord) -> Version:
    charter = _compiled(row.digest, rfc8785.dumps(row.document))
    return Version(row.version, charter, standing_of(row), row.approved_until)


@lru_cache(maxsize=1_000)
def _compiled(digest: str, document: bytes) -> Charter:
    """A charter read and its rules compiled, once per digest."""
    return read_charter(json.loads(document), digest)
