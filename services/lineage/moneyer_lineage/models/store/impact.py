"""Model versions that were built on assets."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Text, column, func, select, values
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.models.tables import model_versions, models

TRAININGS = 0x6D6D_7472
"""The advisory lock between trainings and announcements."""


class OwnedVersion(NamedTuple):
    """A version of a model, whose it is, and the name it has as a dataset."""

    model: str
    version: str
    owner: str
    trained_at: datetime
    dataset: str


class ImpactStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def wait_for_trainings(self) -> None:
        """From here on every training is either seen, or will see what is announced."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(TRAININGS)))

    async def begin_training(self) -> None:
        """Trainings go beside each other, and none beside an announcement: it would miss them, and they it."""
        await self._connection.execute(select(func.pg_advisory_xact_lock_shared(TRAININGS)))

    async def versions(self, names: Iterable[str]) -> list[OwnedVersion]:
        """Model versions by the names of their datasets, with their models' owners."""
        asked = values(column("dataset", Text), name="asked").data([(name,) for name in names] or [("",)])
        of = model_versions.c
        query = (
            select(of.model, of.version, models.c.owner, of.trained_at, _dataset_name().label("dataset"))
            .join(models, models.c.name == of.model)
            .join(asked, asked.c.dataset == _dataset_name())
            .order_by(of.model, of.version)
        )
        return [OwnedVersion(*row) for row in await self._connection.execute(query)]


def _dataset_name() -> ColumnElement[str]:
    return model_versions.c.model + "@" + model_versions.c.version
