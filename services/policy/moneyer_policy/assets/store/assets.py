"""Keys, releases, withdrawals, certificates and grants: what there is of an asset besides its decision and permit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql

from moneyer_policy.assets.documents.assets import Certificate, Suspension
from moneyer_policy.assets.documents.grants import Grant, GrantProposal
from moneyer_policy.assets.rules.standing import AssetStanding
from moneyer_policy.assets.tables import certificates, grants
from moneyer_policy.charters.tables import suspensions
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.tables.decisions import decisions, keys, permits, releases, returned_keys, withdrawals
from moneyer_shared.contracts.policy import Release
from moneyer_shared.errors import Conflict, NotFound

_SOURCE = func.split_part(keys.c.resource, ":", 2)
"""The id of the source or register that a key is of."""
CLOCKS_APART = timedelta(hours=1)
"""More than the clocks of two processes of policy differ by."""


@dataclass(frozen=True)
class EndingKey:
    """An asset's key that was to be destroyed; ``overwritten_at`` is when its share in the vault was."""

    id: UUID
    resource: str
    wrapped: bytes | None
    shared: bool
    created_at: datetime
    destroyed_at: datetime
    overwritten_at: datetime | None
    shredded_at: datetime | None

    @property
    def asset_id(self) -> UUID:
        return UUID(self.resource.removeprefix("asset:"))


class AssetStore(DecisionStore):
    """Decisions and permits as the gate keeps them, and what became of the assets they were for."""

    # --- how assets stand --------------------------------------------------------------------

    async def standings(self, assets: Sequence[UUID]) -> Mapping[UUID, AssetStanding]:
        """How those stand that a permit was given for."""
        rows = (await self._connection.execute(_standings().where(permits.c.run_id.in_(list(assets))))).all()
        return {row.asset_id: AssetStanding(*row) for row in rows}

    async def standing(self, asset_id: UUID) -> AssetStanding:
        """How an asset stands; where no permit was given, nothing became of it."""
        return (await self.standings([asset_id])).get(asset_id, AssetStanding(asset_id))

    async def suspensions(self) -> list[Suspension]:
        """All that is suspended now, the longest first."""
        query = select(suspensions).where(suspensions.c.lifted_at.is_(None)).order_by(suspensions.c.id)
        return [Suspension.model_validate(row) for row in await self._connection.execute(query)]

    async def last_substitute(self, asset_id: UUID) -> UUID | None:
        """Where the chain of substitutes ends that begins at an asset; None where it has none."""
        last = asset_id
        while (withdrawn := await self.withdrawal(last)) is not None and withdrawn.substitute is not None:
            last = withdrawn.substitute
        return last if last != asset_id else None

    async def add_withdrawal(self, **values: object) -> None:
        await self._connection.execute(insert(withdrawals).values(**values))

    # --- releases ------------------------------------------------------------------------------

    async def add_release(self, release: Release, permit_id: UUID) -> None:
        values = release.model_dump(include={"id", "asset_id", "round", "assay_id", "verdict", "decided_at"})
        document = release.model_dump(mode="json")
        await self._connection.execute(insert(releases).values(**values, permit_id=permit_id, document=document))

    async def release_of(self, asset_id: UUID) -> Release | None:
        """What was decided on an asset last."""
        query = select(releases.c.document).where(releases.c.asset_id == asset_id)
        found = await self._connection.scalar(query.order_by(releases.c.round.desc()).limit(1))
        return Release.model_validate(found) if found is not None else None

    # --- grants ----------------------------------------------------------------------------------

    async def add_grant(self, given: GrantProposal, at: datetime) -> UUID:
        made = insert(grants).values(**given.model_dump(), granted_at=at)
        made_id: UUID = (await self._connection.execute(made.returning(grants.c.id))).scalar_one()
        return made_id

    async def grants(self, asset_id: UUID) -> list[Grant]:
        """The oldest first."""
        query = select(grants).where(grants.c.asset_id == asset_id).order_by(grants.c.id)
        return [Grant.model_validate(row) for row in await self._connection.execute(query)]

    # --- keys ------------------------------------------------------------------------------------

    async def add_key(self, values: Mapping[str, object]) -> None:
        await self._connection.execute(insert(keys).values({"partitions": [], **values}))

    async def destroy_key(self, key_id: UUID, at: datetime) -> None:
        await self._connection.execute(
            update(keys).where(keys.c.id == key_id).values(destroyed_at=func.coalesce(keys.c.destroyed_at, at))
        )

    async def keys_to_shred(self) -> list[EndingKey]:
        """Assets' keys that were to be destroyed, and are not known to be gone."""
        due = (keys.c.destroyed_at.is_not(None), keys.c.shredded_at.is_(None), keys.c.resource.startswith("asset:"))
        rows = await self._connection.execute(_ending_keys().where(*due).order_by(keys.c.destroyed_at))
        return [EndingKey(*row) for row in rows]

    async def lock_ending_key(self, key_id: UUID) -> EndingKey:
        """Raises NotFound: there is no such key."""
        found = (await self._connection.execute(_ending_keys().where(keys.c.id == key_id).with_for_update())).first()
        if found is None:
            raise NotFound(f"There is no key {key_id}.")
        return EndingKey(*found)

    async def set_key(self, key_id: UUID, **values: object) -> None:
        await self._connection.execute(update(keys).where(keys.c.id == key_id).values(**values))

    async def lock_version(self, resource: str) -> None:
        """Have whoever makes or gives back the key of this version wait until the transaction ends."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(resource, 2))))

    async def has_key(self, resource: str) -> bool:
        """Whether a key was made of a version of a source or register, or given back before it was."""
        made = select(keys.c.id).where(keys.c.resource == resource)
        returned = select(returned_keys.c.resource).where(returned_keys.c.resource == resource)
        return bool(await self._connection.scalar(select(exists(made) | exists(returned))))

    async def unused_key(self, resource: str) -> UUID | None:
        """The key of a version of a source or register, locked; None where there is none, or it was given back.

        Raises:
            Conflict: it was opened, or a decision names it.
        """
        query = select(keys).where(keys.c.resource == resource, keys.c.destroyed_at.is_(None)).with_for_update()
        key = (await self._connection.execute(query)).one_or_none()
        if key is None:
            return None
        if key.opened_at is not None or await self._is_named(key.id, key.created_at):
            raise Conflict("What this key opens is in use: it is not given back.", code="key-in-use")
        key_id: UUID = key.id
        return key_id

    async def _is_named(self, key_id: UUID, made_at: datetime) -> bool:
        """Whether a plan was decided on that learns from what a key opens; none was before the key was made."""
        offered = decisions.c.request["offer"]["source_key_id"].astext == str(key_id)
        since = decisions.c.decided_at >= made_at - CLOCKS_APART
        permitted = exists().where(permits.c.source_key_id == key_id)
        return bool(await self._connection.scalar(select(permitted | exists().where(since, offered))))

    async def note_return(self, resource: str, at: datetime) -> None:
        """No key is made of this version any more."""
        noted = postgresql.insert(returned_keys).values(resource=resource, returned_at=at)
        await self._connection.execute(noted.on_conflict_do_nothing())

    async def open_first(self, key_id: UUID, at: datetime) -> None:
        """Note when a key was opened first; who gives one back that moment waits, and is refused."""
        there = (keys.c.id == key_id, keys.c.opened_at.is_(None), keys.c.destroyed_at.is_(None))
        await self._connection.execute(update(keys).where(*there).values(opened_at=at))

    async def is_known(self, source_id: UUID) -> bool:
        """Whether a key was made of any version of this source or register."""
        query = select(keys.c.id).where(_SOURCE.in_([str(source_id)])).limit(1)
        return await self._connection.scalar(query) is not None

    async def owners_of(self, source_ids: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """(who registered these sources, by their first keys; whom later keys name besides)."""
        query = select(_SOURCE.label("source"), keys.c.owner).where(_SOURCE.in_(sorted(source_ids)))
        rows = (await self._connection.execute(query.order_by(keys.c.created_at, keys.c.id))).all()
        first: dict[str, str | None] = {}
        for row in rows:
            first.setdefault(row.source, row.owner)
        registered = frozenset(owner for owner in first.values() if owner is not None)
        return registered, frozenset(row.owner for row in rows if row.owner is not None) - registered

    async def sources_within(self, population_id: UUID) -> frozenset[str]:
        """The sources of a population."""
        return frozenset(await self._connection.scalars(select(_SOURCE).where(keys.c.population_id == population_id)))

    async def source_of(self, key_id: UUID) -> frozenset[str]:
        """The source a key is of."""
        return frozenset(await self._connection.scalars(select(_SOURCE).where(keys.c.id == key_id)))

    # --- certificates ----------------------------------------------------------------------------

    async def add_certificate(self, asset_id: UUID, certificate: Certificate) -> None:
        await self._connection.execute(insert(certificates).values(asset_id=asset_id, **certificate.model_dump()))

    async def certificates(self, asset_id: UUID) -> list[Certificate]:
        """The certificates of an asset's destruction, the oldest first."""
        query = select(certificates).where(certificates.c.asset_id == asset_id).order_by(certificates.c.id)
        return [Certificate.model_validate(row) for row in await self._connection.execute(query)]


def _ending_keys() -> Select[Any]:
    return select(*(keys.c[name] for name in EndingKey.__dataclass_fields__))


def _standings() -> Select[*tuple[Any, ...]]:
    """A row for each permit: the members of ``AssetStanding`` in their order."""
    release = select(releases.c.verdict).where(releases.c.asset_id == permits.c.run_id)
    withdrawal = select(withdrawals.c.substitute).where(withdrawals.c.asset_id == permits.c.run_id)
    suspended = exists().where(
        suspensions.c.kind == "asset", suspensions.c.subject == permits.c.run_id, suspensions.c.lifted_at.is_(None)
    )
    return select(
        permits.c.run_id.label("asset_id"),
        permits.c.state.label("permit_state"),
        permits.c.outcome.label("permit_outcome"),
        release.order_by(releases.c.round.desc()).limit(1).scalar_subquery().label("verdict"),
        exists().where(withdrawals.c.asset_id == permits.c.run_id).label("is_withdrawn"),
        withdrawal.order_by(withdrawals.c.id.desc()).limit(1).scalar_subquery().label("substitute"),
        suspended.label("is_suspended"),
        keys.c.destroyed_at.is_not(None).label("is_destroyed"),
    ).select_from(permits.outerjoin(keys, keys.c.id == permits.c.asset_key_id))
