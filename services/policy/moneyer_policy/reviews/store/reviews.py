"""Reviews, their votes and their conditions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.reviews.documents import StagedQuorum
from moneyer_policy.reviews.rules.quorum import read_quorum
from moneyer_policy.reviews.rules.review import CastVote, Condition, Review, State, Vote
from moneyer_policy.reviews.tables import conditions, reviews, votes
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.ownership import check_own
from moneyer_shared.paging import page


@dataclass(frozen=True)
class ReviewRecord:
    """A review as it is kept: ``document`` is what was put up, ``outcome`` what followed from the votes."""

    id: UUID
    kind: str
    subject: str
    charter_id: UUID | None
    digest: str
    document: dict[str, Any]
    barred: list[str]
    named: list[str]
    quorum: dict[str, Any]
    state: State
    opened_by: str
    opened_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    outcome: dict[str, Any] | None


@dataclass(frozen=True)
class KeptCondition(Condition):
    """A condition as it is kept."""

    id: UUID
    vote_id: UUID
    condition: str
    evidence: str | None
    met_at: datetime | None


_COLUMNS = tuple(reviews.c[one.name] for one in fields(ReviewRecord))


class ReviewStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def open(self, **values: object) -> ReviewRecord:
        made = insert(reviews).values(state="open", **values).returning(*_COLUMNS)
        return ReviewRecord(*(await self._connection.execute(made)).one())

    async def row(self, review_id: UUID, *, lock: bool = False) -> ReviewRecord:
        """One review.

        Raises:
            NotFound: there is no such review.
        """
        query = select(*_COLUMNS).where(reviews.c.id == review_id)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no review {review_id}.")
        return ReviewRecord(*found)

    async def latest_on(self, kind: str, subject: str) -> ReviewRecord | None:
        query = select(*_COLUMNS).where(reviews.c.kind == kind, reviews.c.subject == subject)
        found = (await self._connection.execute(query.order_by(reviews.c.id.desc()).limit(1))).one_or_none()
        return ReviewRecord(*found) if found is not None else None

    async def of_ids(self, review_ids: Collection[UUID]) -> Mapping[UUID, ReviewRecord]:
        rows = await self._connection.execute(select(*_COLUMNS).where(reviews.c.id.in_(review_ids)))
        return {row.id: ReviewRecord(*row) for row in rows}

    async def page(
        self, *, kind: str | None, state: str | None, subject: str | None, opened_by: str | None, after: UUID | None
    ) -> list[ReviewRecord]:
        query = select(*_COLUMNS)
        asked = {"kind": kind, "state": state, "subject": subject, "opened_by": opened_by}
        for name, value in asked.items():
            query = query.where(reviews.c[name] == value) if value is not None else query
        rows: Sequence[Sequence[Any]] = await page(self._connection, query, reviews.c.id, after=after)
        return [ReviewRecord(*row) for row in rows]

    async def close(self, review_id: UUID, state: State, at: datetime, outcome: Mapping[str, object]) -> ReviewRecord:
        ended = update(reviews).where(reviews.c.id == review_id).values(state=state, decided_at=at, outcome=outcome)
        return ReviewRecord(*(await self._connection.execute(ended.returning(*_COLUMNS))).one())

    async def raise_rules(
        self, review_id: UUID, quorum: StagedQuorum, barred: frozenset[str], named: frozenset[str]
    ) -> None:
        values = {"quorum": quorum.model_dump(), "barred": sorted(barred), "named": sorted(named)}
        await self._connection.execute(update(reviews).where(reviews.c.id == review_id).values(**values))

    async def cast(self, review_id: UUID, vote: Vote, reason: str, committee_version: int) -> CastVote:
        made = insert(votes).values(
            review_id=review_id,
            digest=vote.digest,
            voter=vote.voter,
            principal=vote.principal,
            function=vote.function,
            verdict=vote.verdict,
            reason=reason,
            stage=vote.stage,
            committee_version=committee_version,
            cast_at=vote.cast_at,
        )
        return _cast((await self._connection.execute(made.returning(votes))).one())

    async def votes(self, review_id: UUID) -> tuple[CastVote, ...]:
        """Every vote on a review, in the order they were cast."""
        return tuple((await self._votes([review_id])).get(review_id, ()))

    async def _votes(self, review_ids: Collection[UUID]) -> Mapping[UUID, list[CastVote]]:
        query = select(votes).where(votes.c.review_id.in_(review_ids)).order_by(votes.c.cast_at, votes.c.id)
        found: dict[UUID, list[CastVote]] = {}
        for row in await self._connection.execute(query):
            found.setdefault(row.review_id, []).append(_cast(row))
        return found

    async def set_condition(self, review_id: UUID, vote_id: UUID, condition: str, by: str) -> KeptCondition:
        made = insert(conditions).values(review_id=review_id, vote_id=vote_id, condition=condition, set_by=by)
        return _condition((await self._connection.execute(made.returning(conditions))).one())

    async def _conditions(self, review_ids: Collection[UUID]) -> Mapping[UUID, list[KeptCondition]]:
        query = select(conditions).where(conditions.c.review_id.in_(review_ids)).order_by(conditions.c.id)
        found: dict[UUID, list[KeptCondition]] = {}
        for row in await self._connection.execute(query):
            found.setdefault(row.review_id, []).append(_condition(row))
        return found

    async def meet(self, review_id: UUID, condition_id: UUID, by: str, evidence: str, at: datetime) -> KeptCondition:
        """Confirm that a condition is met; only who set it can.

        Raises:
            NotFound: no such condition waits on this review.
            Forbidden: somebody else set it.
        """
        which = (conditions.c.id == condition_id, conditions.c.review_id == review_id, conditions.c.met_at.is_(None))
        found = (await self._connection.execute(select(conditions).where(*which).with_for_update())).one_or_none()
        if found is None:
            raise NotFound("No such condition waits on this review.")
        check_own(found.set_by, by, "This condition")
        met = update(conditions).where(*which).values(met_at=at, evidence=evidence).returning(conditions)
        return _condition((await self._connection.execute(met)).one())

    async def review(self, row: ReviewRecord) -> Review:
        """A review with all that was cast on it, as a value to decide on."""
        return (await self.reviews([row]))[row.id]

    async def reviews(self, rows: Collection[ReviewRecord]) -> Mapping[UUID, Review]:
        """Several reviews with all that was cast on them, asked for together."""
        ids = [row.id for row in rows]
        cast, depends = await self._votes(ids), await self._conditions(ids)
        return {row.id: _review(row, cast.get(row.id, ()), depends.get(row.id, ())) for row in rows}

    async def all_open(self, kind: str, subject: str) -> list[ReviewRecord]:
        """The open reviews of this, in the order they were opened."""
        query = select(*_COLUMNS).where(reviews.c.kind == kind, reviews.c.subject == subject, reviews.c.state == "open")
        return [ReviewRecord(*row) for row in await self._connection.execute(query.order_by(reviews.c.id))]

    async def refuse_second(self, kind: str, subject: str) -> None:
        """Raises Conflict: a review of this is open already."""
        if await self.all_open(kind, subject):
            raise Conflict("A review of this is open already.", code="review-open")


def _review(row: ReviewRecord, cast: Iterable[CastVote], depends: Iterable[KeptCondition]) -> Review:
    return Review(
        id=str(row.id),
        kind=row.kind,
        digest=row.digest,
        barred=frozenset(row.barred),
        named=frozenset(row.named),
        quorum=read_quorum(row.quorum),
        state=row.state,
        expires_at=row.expires_at,
        votes=tuple(cast),
        conditions=tuple(depends),
    )


def _cast(row: Row[Any]) -> CastVote:
    return CastVote(
        voter=row.voter,
        principal=row.principal,
        function=row.function,
        verdict=row.verdict,
        digest=row.digest,
        stage=row.stage,
        cast_at=row.cast_at,
        id=row.id,
        reason=row.reason,
        committee_version=row.committee_version,
    )


def _condition(row: Row[Any]) -> KeptCondition:
    return KeptCondition(
        set_by=row.set_by,
        met=row.met_at is not None,
        id=row.id,
        vote_id=row.vote_id,
        condition=row.condition,
        evidence=row.evidence,
        met_at=row.met_at,
    )
