"""Keys, releases, withdrawals and grants: what there is of an asset besides its decision and permit."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, insert, select, update

from moneyer_policy.assets.tables import certificates, grants
from moneyer_policy.charters.tables import suspensions
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.tables.decisions import keys, permits, releases, withdrawals


class AssetStore(DecisionStore):
    """Decisions and permits as the gate keeps them, and what became of the assets they were for."""

    async def add_key(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(keys).values({"partitions": [], **values}))

    async def destroy_key(self, key_id: UUID, at: datetime) -> None:
        await self._connection.execute(
            update(keys).where(keys.c.id == key_id).values(destroyed_at=func.coalesce(keys.c.destroyed_at, at))
        )

    async def keys_to_shred(self) -> Sequence[Row[Any]]:
        """Assets' keys that were to be destroyed, and are not known to be gone."""
        due = (keys.c.destroyed_at.is_not(None), keys.c.shredded_at.is_(None), keys.c.resource.startswith("asset:"))
        return (await self._connection.execute(select(keys).where(*due).order_by(keys.c.destroyed_at))).all()

    async def lock_key(self, key_id: UUID) -> Row[Any]:
        return await self._one(select(keys).where(keys.c.id == key_id).with_for_update(), f"There is no key {key_id}.")

    async def set_key(self, key_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(keys).where(keys.c.id == key_id).values(**values))

    async def add_certificate(self, *, asset_id: UUID, status: str, envelope: Mapping[str, Any], at: datetime) -> None:
        made = insert(certificates).values(asset_id=asset_id, status=status, envelope=envelope, issued_at=at)
        await self._connection.execute(made)

    async def certificates(self, asset_id: UUID) -> Sequence[Row[Any]]:
        query = select(certificates).where(certificates.c.asset_id == asset_id).order_by(certificates.c.id)
        return (await self._connection.execute(query)).all()

    async def owners_of(self, source_ids: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """(who registered these sources, by their first keys; whom later keys name besides)."""
        source = func.split_part(keys.c.resource, ":", 2)
        query = select(source.label("source"), keys.c.owner).where(source.in_(sorted(source_ids)))
        rows = (await self._connection.execute(query.order_by(keys.c.created_at, keys.c.id))).all()
        first: dict[str, str | None] = {}
        for row in rows:
            first.setdefault(row.source, row.owner)
        registered = frozenset(owner for owner in first.values() if owner is not None)
        return registered, frozenset(row.owner for row in rows if row.owner is not None) - registered

    async def sources_within(self, population_id: UUID) -> frozenset[str]:
        """The sources of a population."""
        source = func.split_part(keys.c.resource, ":", 2)
        return frozenset(await self._connection.scalars(select(source).where(keys.c.population_id == population_id)))

    async def source_of(self, key_id: UUID) -> frozenset[str]:
        """The source a key is of."""
        source = func.split_part(keys.c.resource, ":", 2)
        return frozenset(await self._connection.scalars(select(source).where(keys.c.id == key_id)))

    async def is_known(self, source_id: UUID) -> bool:
        """Whether a key was made for a version of this source or register."""
        query = select(keys.c.id).where(func.split_part(keys.c.resource, ":", 2) == str(source_id)).limit(1)
        return await self._connection.scalar(query) is not None

    async def key_of(self, resource: str) -> Row[Any] | None:
        return (await self._connection.execute(select(keys).where(keys.c.resource == resource))).one_or_none()

    async def add_release(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(releases).values(**values))

    async def release_of(self, asset_id: UUID) -> Row[Any]:
        """What was decided on an asset last."""
        return await self._one(
            select(releases).where(releases.c.asset_id == asset_id).order_by(releases.c.round.desc()).limit(1),
            f"Asset {asset_id} has not been decided on.",
        )

    async def add_withdrawal(self, **values: Any) -> None:
        await self._connection.execute(insert(withdrawals).values(**values))

    async def standings(self, assets: Sequence[UUID]) -> Sequence[Any]:
        """(asset_id, is_destroyed, is_withdrawn, is_suspended, verdict) of those that a permit was given for."""
        verdict = (
            select(releases.c.verdict).where(releases.c.asset_id == permits.c.run_id)
            .order_by(releases.c.round.desc()).limit(1).scalar_subquery()
        )  # fmt: skip
        stopped = (
            suspensions.c.kind == "asset", suspensions.c.subject == permits.c.run_id, suspensions.c.lifted_at.is_(None)
        )  # fmt: skip
        query = (
            select(
                permits.c.run_id.label("asset_id"),
                keys.c.destroyed_at.is_not(None).label("is_destroyed"),
                exists().where(withdrawals.c.asset_id == permits.c.run_id).label("is_withdrawn"),
                exists().where(*stopped).label("is_suspended"),
                verdict.label("verdict"),
            )
            .select_from(permits.outerjoin(keys, keys.c.id == permits.c.asset_key_id))
            .where(permits.c.run_id.in_(list(assets)))
        )
        return (await self._connection.execute(query)).all()

    async def is_decided(self, asset_id: UUID) -> bool:
        found = await self._connection.scalar(select(releases.c.id).where(releases.c.asset_id == asset_id).limit(1))
        return found is not None

    async def add_grant(
        self,
        *,
        asset_id: UUID,
        subject: str,
        use_case: str,
        granted_by: str,
        at: datetime,
        valid_until: datetime,
    ) -> UUID:
        made = insert(grants).values(
            asset_id=asset_id,
            subject=subject,
            use_case=use_case,
            granted_by=granted_by,
            granted_at=at,
            valid_until=valid_until,
        )
        made_id: UUID = (await self._connection.execute(made.returning(grants.c.id))).scalar_one()
        return made_id

    async def grants(self, asset_id: UUID) -> Sequence[Row[Any]]:
        return (
            await self._connection.execute(select(grants).where(grants.c.asset_id == asset_id).order_by(grants.c.id))
        ).all()
