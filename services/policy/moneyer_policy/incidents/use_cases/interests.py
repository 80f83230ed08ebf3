"""Whose own matter something is: asked in one place for every kind of matter, and as things stand now (I9)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.charters.rules.versions import VersionRecord
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.incidents.use_cases.owners import owner_now
from moneyer_policy.reviews.rules.judges import Interests
from moneyer_policy.work import Work


@dataclass
class _Found:
    people: set[str | None] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


async def interests_in(work: Work, subject: str, document: Mapping[str, Any], charters: Sequence[UUID]) -> Interests:
    """Who owns, wrote, asked for or registered what a matter is about.

    ``subject`` and ``document`` are the matter's, ``charters`` those whose versions in force decide on it.
    """
    found = _Found()
    for charter_id in charters:
        await _charter(work, charter_id, found)
    kind, _, rest = subject.partition(":")
    if kind in _ABOUT:
        await _ABOUT[kind](_About(work, rest.partition(":")[0], document, found))
    registered, later = await source_owners(work, found.sources)
    barred = frozenset(person for person in found.people if person is not None) | registered
    return Interests(barred, later - barred)


async def _charter(work: Work, charter_id: UUID, found: _Found) -> None:
    """Whoever drafted it, and of the version in force its owner, its authors and who submitted it."""
    store = CharterStore(work.connection)
    found.people.add(await store.creator(charter_id))
    _version(await store.find_governing(charter_id, work.now), found)


def _version(row: VersionRecord | None, found: _Found) -> None:
    if row is not None:
        found.people.update((row.document["owner"], *row.authors, row.submitter))
        found.sources.update(row.document["sources"])


@dataclass(frozen=True)
class _About:
    work: Work
    id: str
    document: Mapping[str, Any]
    found: _Found

    @property
    def assets(self) -> AssetStore:
        return AssetStore(self.work.connection)


async def _asset(it: _About) -> None:
    """Who asked for it, and the version it was made under, which another may have followed."""
    permit = await it.assets.permit_of_run(UUID(it.id))
    it.found.people.add(permit.requester)
    store, digest = CharterStore(it.work.connection), permit.charter_digest
    _version(await store.by_digest(permit.charter_id, digest, it.work.now, decided_at=permit.made_at), it.found)
    it.found.sources.update(await it.assets.source_of(permit.source_key_id))


async def _run(it: _About) -> None:
    it.found.people.add(it.document["requester"])
    it.found.sources.add(it.document["plan"]["source_id"])


async def _population(it: _About) -> None:
    it.found.people.add(await owner_now(it.work.connection, "population", it.id))


async def _stopped_population(it: _About) -> None:
    await _population(it)
    it.found.sources.update(await it.assets.sources_within(UUID(it.id)))


async def _source(it: _About) -> None:
    it.found.sources.add(it.id)


async def _incident(it: _About) -> None:
    """Who opened it stays interested when they hand it over."""
    it.found.people.add((await IncidentStore(it.work.connection).incident(UUID(it.id))).opened_by)
    it.found.people.add(await owner_now(it.work.connection, "incident", it.id))


_ABOUT: Mapping[str, Callable[[_About], Awaitable[None]]] = {
    "asset": _asset,
    "run": _run,
    "budget": _population,
    "transfer": _population,
    "population": _stopped_population,
    "source": _source,
    "incident": _incident,
}
"""By the first word of a matter's subject; other matters are about a charter, or about nothing anybody owns."""


async def source_owners(work: Work, source_ids: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """(who registered these sources, by their first keys; whom later keys name besides)."""
    return await AssetStore(work.connection).owners_of(source_ids)


async def looked_into(work: Work, kind: Literal["asset", "charter"], subject: UUID) -> bool:
    """Whether an incident that names this asset or charter is not closed."""
    return await IncidentStore(work.connection).is_looked_into(kind, subject)
