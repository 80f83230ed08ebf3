"""Runs: what was planned, offered and decided, and how far each is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Executable, Text, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.documents.generations import GenerationProgress
from moneyer_generation.documents.measurements import Measurement
from moneyer_generation.documents.models import Model
from moneyer_generation.rules.run import Progress, RunState, may_move
from moneyer_generation.rules.sharing import turn
from moneyer_generation.tables import runs
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import Decision, GuaranteeLevel, Offer, Plan
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page
from moneyer_shared.queue import Superseded

ENDED_WITHOUT = ("failed", "cancelled", "measured")
KEPT = (runs, runs.c.plan.label("stored_plan"))
"""A run's columns, and its plan once more as it is stored."""


class Run(Document):
    """A run as it is kept, permit and exact counts included; callers are shown a ``Generation``."""

    id: UUID
    requester: str
    fingerprint: str
    plan: Plan
    stored_plan: dict[str, Any]
    offer: Offer
    decision: Decision
    source_version_id: UUID
    state: RunState
    guarantee: GuaranteeLevel
    charter_id: UUID
    rank: int
    turn: int
    redeemed: bool
    settled: bool
    model_sealed: bool
    cancel_requested: bool
    progress: float
    attempt: int
    holder: UUID
    failure: str | None
    asset: AssetFile | None
    measured: Measurement | None = None
    assay_id: UUID | None
    requested_at: datetime
    changed_at: datetime

    @property
    def charged(self) -> bool:
        return self.redeemed

    @property
    def plan_digest(self) -> str:
        """Of the plan that will run, as it is stored: one that was changed since redeems nothing."""
        return digest(self.stored_plan)


@dataclass(frozen=True)
class NewRun:
    """A run as it begins."""

    id: UUID
    requester: str
    fingerprint: str
    plan: Plan
    offer: Offer
    decision: Decision
    source_version_id: UUID
    state: RunState
    rank: int
    turn: int


class RunChanges(TypedDict, total=False):
    """What a worker may make of a run."""

    state: RunState
    decision: Decision
    redeemed: bool
    settled: bool
    model_sealed: bool
    progress: float
    failure: str
    asset: AssetFile
    measured: Measurement
    assay_id: UUID


class RunStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: NewRun, at: datetime) -> bool:
        """Whether the run is new; the same run asked for at the same moment is added once."""
        values = {
            "id": new.id,
            "requester": new.requester,
            "fingerprint": new.fingerprint,
            "plan": new.plan.model_dump(mode="json"),
            "offer": new.offer.model_dump(mode="json"),
            "decision": new.decision.model_dump(mode="json"),
            "source_version_id": new.source_version_id,
            "state": new.state,
            "guarantee": new.offer.guarantee.level,
            "charter_id": new.plan.charter_id,
            "rank": new.rank,
            "turn": new.turn,
            "model_sealed": new.plan.model is not None,
            "requested_at": at,
            "changed_at": at,
        }
        added = insert(runs).values(values).on_conflict_do_nothing(index_elements=["id"])
        return (await self._connection.execute(added.returning(runs.c.id))).first() is not None

    async def next_turn(self, charter_id: UUID, rank: int) -> int:
        """The turn of a new run of that charter and rank, as things stand in this transaction."""
        served = await self._connection.scalar(select(func.max(runs.c.turn)).where(runs.c.redeemed))
        own = await self._connection.scalar(
            select(func.max(runs.c.turn)).where(runs.c.charter_id == charter_id, runs.c.rank >= rank)
        )
        return turn(served or 0, own)

    async def find(self, run_id: UUID) -> Run | None:
        return await self._found(select(*KEPT).where(runs.c.id == run_id))

    async def run(self, run_id: UUID) -> Run:
        """One run.

        Raises:
            NotFound: there is none of that id.
        """
        return await self._one(select(*KEPT).where(runs.c.id == run_id), run_id)

    async def progress(self, run_id: UUID) -> GenerationProgress:
        """How far a run is, by its own word: all that whoever watches it needs, and no more is read.

        Raises:
            NotFound: there is no such run.
        """
        query = select(runs.c.state, runs.c.progress, runs.c.failure).where(runs.c.id == run_id)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise _no_run(run_id)
        return GenerationProgress.model_validate(row)

    async def page(
        self,
        after: UUID | None,
        *,
        requester: str | None = None,
        states: Collection[RunState] | None = None,
        charter: UUID | None = None,
        source: UUID | None = None,
        generator: str | None = None,
        with_asset: bool = False,
    ) -> Sequence[Run]:
        """A page of runs, the newest first: those that meet everything that is stated."""
        asked = [
            runs.c.requester == requester if requester is not None else None,
            runs.c.state.in_(states) if states is not None else None,
            runs.c.charter_id == charter if charter is not None else None,
            runs.c.plan["source_id"].astext == str(source) if source is not None else None,
            runs.c.plan["generator"].astext == generator if generator is not None else None,
            runs.c.asset.is_not(None) if with_asset else None,
        ]
        query = select(*KEPT).where(*(condition for condition in asked if condition is not None))
        order = (runs.c.requested_at, runs.c.id)
        rows = await page(self._connection, query, *order, after=after, newest_first=True)
        return [Run.model_validate(row) for row in rows]

    async def models(self, after: UUID | None) -> Sequence[Model]:
        """Models of runs that kept one of their own, the oldest first, and how many runs sampled each again."""
        again = runs.alias("again")
        sampled = select(func.count()).where(again.c.plan["model"].astext == runs.c.id.cast(Text)).scalar_subquery()
        kept = runs.c.model_sealed & runs.c.plan["model"].astext.is_(None) & runs.c.state.not_in(ENDED_WITHOUT)
        query = select(*KEPT, sampled.label("sampled")).where(kept)
        rows = await page(self._connection, query, runs.c.requested_at, runs.c.id, after=after)
        return [_model(Run.model_validate(row), row.sampled) for row in rows]

    async def take_up(self, run_id: UUID, at: datetime) -> Run:
        """Make this worker the run's only one: whoever held it before can save no more.

        Who holds it is a random name, for a count comes again in a database that went back in time.

        Raises:
            NotFound: there is no such run.
        """
        held = {"attempt": runs.c.attempt + 1, "holder": func.gen_random_uuid(), "changed_at": at}
        return await self._one(update(runs).where(runs.c.id == run_id).values(held).returning(*KEPT), run_id)

    async def save(self, run: Run, at: datetime, **changes: Unpack[RunChanges]) -> Run:
        """Save what this worker made of the run.

        Raises:
            Superseded: another worker took it up meanwhile.
            Conflict: the state machine has no such move.
        """
        after = changes.get("state", run.state)
        if after != run.state and not may_move(run.state, after):
            raise Conflict(f"A run that is {run.state} cannot become {after}.", code="no-such-move")
        columns = {
            name: value.model_dump(mode="json") if isinstance(value, Document) else value
            for name, value in changes.items()
        }
        saved = await self._found(
            update(runs)
            .where(runs.c.id == run.id, runs.c.holder == run.holder, runs.c.state == run.state)
            .values(changed_at=at, **columns)
            .returning(*KEPT)
        )
        if saved is None:
            raise Superseded(str(run.id))
        return saved

    async def ask_to_cancel(self, run_id: UUID, at: datetime) -> None:
        await self._connection.execute(
            update(runs).where(runs.c.id == run_id).values(cancel_requested=True, changed_at=at)
        )

    async def _found(self, query: Executable) -> Run | None:
        row = (await self._connection.execute(query)).one_or_none()
        return Run.model_validate(row) if row is not None else None

    async def _one(self, query: Executable, run_id: UUID) -> Run:
        found = await self._found(query)
        if found is None:
            raise _no_run(run_id)
        return found


def _no_run(run_id: UUID) -> NotFound:
    return NotFound(f"There is no generation {run_id}.")


def progress_of(run: Run) -> Progress:
    return Progress(
        state=run.state,
        guarantee=run.guarantee,
        redeemed=run.redeemed,
        settled=run.settled,
        model_sealed=run.model_sealed,
        cancel_requested=run.cancel_requested,
    )


def _model(run: Run, sampled: int) -> Model:
    return Model(
        id=run.id,
        charter_id=run.charter_id,
        source_id=run.plan.source_id,
        source_version_id=run.source_version_id,
        generator=run.plan.generator,
        engine_version=run.offer.engine_version,
        parameters=run.plan.parameters,
        guarantee=run.offer.guarantee,
        fitted_by=run.requester,
        requested_at=run.requested_at,
        sampled_again=sampled,
    )
