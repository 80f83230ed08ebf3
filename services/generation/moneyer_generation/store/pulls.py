"""Pulls of sources."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, and_, case, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.connections import Problem
from moneyer_generation.documents.pulls import Asked, Pull, PullRequest
from moneyer_generation.rules.pull import ENDS, PullProgress, PullState
from moneyer_generation.tables import pulls
from moneyer_shared.contracts.generation import MissedPull
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page
from moneyer_shared.queue import Superseded

SALT_BYTES = 16


@dataclass(frozen=True)
class KeptPull:
    """A pull as its owner sees it, and what a worker must know of it beside."""

    shown: Pull
    asked: Asked
    salt: bytes
    holder: UUID
    attempt: int
    planned_version: UUID | None
    cancel_requested: bool

    @property
    def progress(self) -> PullProgress:
        planned = self.planned_version is not None
        return PullProgress(self.shown.state, planned, self.cancel_requested, self.attempt, self.shown.due_at)


class PullChanges(TypedDict, total=False):
    state: PullState
    attempt: int
    received_bytes: int
    rows: int
    digest: str
    replaced: Mapping[str, int]
    planned_version: UUID | None
    version_id: UUID
    problem: Problem | None


class PullStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(
        self,
        source_id: UUID,
        asked: PullRequest,
        by: str,
        *,
        at: datetime,
        due_at: datetime,
        follows: UUID | None = None,
    ) -> KeptPull:
        values = {
            "source_id": source_id, "connection_id": asked.connection_id, "follows": follows,
            "asked": asked.asked.model_dump(mode="json"),
            "every_seconds": round(asked.every.total_seconds()) if asked.every else None,
            "salt": secrets.token_bytes(SALT_BYTES), "state": "waiting", "requested_by": by, "requested_at": at,
            "due_at": due_at, "changed_at": at,
        }  # fmt: skip
        return _pull((await self._connection.execute(insert(pulls).values(values).returning(pulls))).one())

    async def pull(self, pull_id: UUID) -> KeptPull:
        """One pull.

        Raises:
            NotFound: there is none of that id.
        """
        row = (await self._connection.execute(select(pulls).where(pulls.c.id == pull_id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no pull {pull_id}.")
        return _pull(row)

    async def page(self, source_id: UUID, after: UUID | None) -> Sequence[KeptPull]:
        query = select(pulls).where(pulls.c.source_id == source_id)
        rows = await page(self._connection, query, pulls.c.id, after=after, newest_first=True)
        return [_pull(row) for row in rows]

    async def last_missed(self, source_id: UUID) -> MissedPull | None:
        """The last pull of a source's schedule to end, where it failed; None where it brought a version."""
        ended = (
            pulls.c.source_id == source_id,
            pulls.c.every_seconds.is_not(None),
            pulls.c.state.in_(("done", "failed")),
        )
        query = select(pulls).where(*ended).order_by(pulls.c.changed_at.desc(), pulls.c.id.desc()).limit(1)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None or row.state == "done":
            return None
        return MissedPull(pull_id=row.id, ended_at=row.changed_at, because=Problem.model_validate(row.problem).code)

    async def take_up(self, pull_id: UUID) -> KeptPull:
        """The pull, held by who asks from now on.

        Raises:
            NotFound: there is none of that id.
        """
        taken = update(pulls).where(pulls.c.id == pull_id).values(holder=uuid4()).returning(pulls)
        row = (await self._connection.execute(taken)).one_or_none()
        if row is None:
            raise NotFound(f"There is no pull {pull_id}.")
        return _pull(row)

    async def begin(self, pull: KeptPull, at: datetime) -> KeptPull:
        """One more attempt at it.

        Raises:
            Superseded: another worker took it up.
        """
        return await self._save(pull, at, {"state": "fetching", "attempt": pull.attempt + 1})

    async def save(self, pull: KeptPull, at: datetime, **changes: Unpack[PullChanges]) -> KeptPull:
        """Change a pull that is held.

        Raises:
            Superseded: another worker took it up.
        """
        values: dict[str, object] = {**changes}
        if problem := changes.get("problem"):
            values["problem"] = problem.model_dump(mode="json")
        return await self._save(pull, at, values)

    async def _save(self, pull: KeptPull, at: datetime, values: dict[str, object]) -> KeptPull:
        which = (pulls.c.id == pull.shown.id, pulls.c.holder == pull.holder, pulls.c.state.not_in(ENDS))
        saved = update(pulls).where(*which).values(changed_at=at, **values).returning(pulls)
        row = (await self._connection.execute(saved)).one_or_none()
        if row is None:
            raise Superseded(str(pull.shown.id))
        return _pull(row)

    async def ask_to_cancel(self, pull_id: UUID, at: datetime) -> KeptPull | None:
        """The pull, with the wish to end it; one that only waits has ended. None where it had ended before."""
        which = (pulls.c.id == pull_id, pulls.c.state.not_in(ENDS))
        ended = case((_idle(), "cancelled"), else_=pulls.c.state)
        asked = update(pulls).where(*which).values(cancel_requested=True, state=ended, changed_at=at)
        row = (await self._connection.execute(asked.returning(pulls))).one_or_none()
        return _pull(row) if row is not None else None


def _idle() -> ColumnElement[bool]:
    """A pull that waits and that no worker has begun a version of."""
    return and_(pulls.c.state == "waiting", pulls.c.planned_version.is_(None))


def _pull(row: Row[tuple[object, ...]]) -> KeptPull:
    asked = Asked.model_validate(row.asked)
    shown = Pull(
        id=row.id,
        source_id=row.source_id,
        connection_id=row.connection_id,
        state=row.state,
        asked=asked,
        every=timedelta(seconds=row.every_seconds) if row.every_seconds else None,
        follows=row.follows,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        due_at=row.due_at,
        changed_at=row.changed_at,
        received_bytes=row.received_bytes,
        rows=row.rows,
        digest=row.digest,
        replaced=row.replaced,
        version_id=row.version_id,
        problem=Problem.model_validate(row.problem) if row.problem else None,
    )
    return KeptPull(shown, asked, row.salt, row.holder, row.attempt, row.planned_version, row.cancel_requested)
