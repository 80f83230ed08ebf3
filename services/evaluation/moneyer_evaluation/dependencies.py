"""Evaluation's collaborators, and where its work begins."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from obstore.store import ObjectStore

from moneyer_evaluation.settings import Settings
from moneyer_evaluation.tables import journal
from moneyer_shared.auth import Caller
from moneyer_shared.clients.generation import Generation
from moneyer_shared.clients.policy import Policy
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database
from moneyer_shared.work import W

ITSELF = Caller("evaluation", "evaluation", frozenset())
"""Who acts where nobody asked: the worker."""


@dataclass(frozen=True)
class Dependencies:
    """What evaluation works with: its database and objects, a clock, and the services it asks."""

    settings: Settings
    database: Database
    clock: Clock
    policy: Policy
    generation: Generation
    objects: ObjectStore

    @asynccontextmanager
    async def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[W]:
        """One transaction of a use case; it commits when the block ends well."""
        async with self.database.transaction(read_only=read_only) as connection:
            yield kind(connection, self.clock(), caller, journal)
