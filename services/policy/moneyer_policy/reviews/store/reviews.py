"""Reviews, their votes and their conditions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.reviews.rules.quorum import read_quorum
from moneyer_policy.reviews.rules.review import Condition, Review, Vote
from moneyer_policy.reviews.tables import conditions, reviews, votes
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.ownership import check_own
from moneyer_shared.paging import page


class ReviewStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def open(self, values: Mapping[str, Any]) -> UUID:
        made_id: UUID = (
            await self._connection.execute(insert(reviews).values(state="open", **values).returning(reviews.c.id))
        ).scalar_one()
        return made_id

    async def row(self, review_id: UUID, *, lock: bool = False) -> Row[Any]:
        """One review.

        Raises:
            NotFound: there is no such review.
        """
        query = select(reviews).where(reviews.c.id == review_id)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no review {review_id}.")
        return found

    async def latest_on(self, kind: str, subject: str) -> Row[Any] | None:
        query = select(reviews).where(reviews.c.kind == kind, reviews.c.subject == subject)
        return (await self._connection.execute(query.order_by(reviews.c.id.desc()).limit(1))).one_or_none()

    async def page(
        self, *, kind: str | None, state: str | None, subject: str | None, after: UUID | None
    ) -> Sequence[Row[Any]]:
        query = select(reviews)
        for column, value in ((reviews.c.kind, kind), (reviews.c.state, state), (reviews.c.subject, subject)):
            query = query.where(column == value) if value is not None else query
        return await page(self._connection, query, reviews.c.id, after=after)

    async def settle(self, review_id: UUID, state: str, at: datetime, outcome: Mapping[str, Any]) -> None:
        await self._connection.execute(
            update(reviews).where(reviews.c.id == review_id).values(state=state, decided_at=at, outcome=outcome)
        )

    async def raise_rules(
        self, review_id: UUID, quorum: Mapping[str, Any], barred: Sequence[str], named: Sequence[str]
    ) -> None:
        values = {"quorum": dict(quorum), "barred": list(barred), "named": list(named)}
        await self._connection.execute(update(reviews).where(reviews.c.id == review_id).values(**values))

    async def cast(self, review_id: UUID, vote: Vote, reason: str, committee_version: int) -> UUID:
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
        made_id: UUID = (await self._connection.execute(made.returning(votes.c.id))).scalar_one()
        return made_id

    async def votes(self, review_id: UUID) -> Sequence[Row[Any]]:
        query = select(votes).where(votes.c.review_id == review_id).order_by(votes.c.cast_at, votes.c.id)
        return (await self._connection.execute(query)).all()

    async def set_condition(self, review_id: UUID, vote_id: UUID, condition: str, by: str) -> None:
        made = insert(conditions).values(review_id=review_id, vote_id=vote_id, condition=condition, set_by=by)
        await self._connection.execute(made)

    async def conditions(self, review_id: UUID) -> Sequence[Row[Any]]:
        query = select(conditions).where(conditions.c.review_id == review_id).order_by(conditions.c.id)
        return (await self._connection.execute(query)).all()

    async def meet(self, review_id: UUID, condition_id: UUID, by: str, evidence: str, at: datetime) -> None:
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
        await self._connection.execute(update(conditions).where(*which).values(met_at=at, evidence=evidence))

    async def review(self, row: Row[Any]) -> Review:
        """A review with all that was cast on it, as a value to decide on."""
        cast = await self.votes(row.id)
        waiting = await self.conditions(row.id)
        return Review(
            id=str(row.id),
            kind=row.kind,
            digest=row.digest,
            barred=frozenset(row.barred),
            named=frozenset(row.named),
            quorum=read_quorum(row.quorum),
            state=row.state,
            expires_at=row.expires_at,
            votes=tuple(as_vote(entry) for entry in cast),
            conditions=tuple(Condition(entry.set_by, entry.met_at is not None) for entry in waiting),
        )

    async def all_open(self, kind: str, subject: str) -> Sequence[Row[Any]]:
        """The open reviews of this, in the order they were opened."""
        query = select(reviews).where(reviews.c.kind == kind, reviews.c.subject == subject, reviews.c.state == "open")
        return (await self._connection.execute(query.order_by(reviews.c.id))).all()

    async def refuse_second(self, kind: str, subject: str) -> None:
        """Raises Conflict: a review of this is open already."""
        if await self.all_open(kind, subject):
            raise Conflict("A review of this is open already.", code="review-open")


def as_vote(row: Row[Any]) -> Vote:
    return Vote(row.voter, row.principal, row.function, row.verdict, row.digest, row.stage, row.cast_at)
