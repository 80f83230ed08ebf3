"""What waits for one person, read from where every wing keeps it, in one query."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, DateTime, Select, Text, cast, func, literal, not_, or_, select, tuple_, union_all
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from moneyer_policy.assets.tables import grants
from moneyer_policy.budgets.tables import populations
from moneyer_policy.charters.tables import charter_versions
from moneyer_policy.deadlines import deadlines
from moneyer_policy.gate.tables.decisions import decisions, permits
from moneyer_policy.inbox.documents import InboxKind
from moneyer_policy.inbox.rules import ENDINGS
from moneyer_policy.incidents.tables import corrective_actions, duties, incidents
from moneyer_policy.metadata import owners
from moneyer_policy.reviews.tables import conditions, reviews, votes
from moneyer_shared.paging import PAGE

SOON = timedelta(days=30)
"""How long before its end a thing stands in its owner's inbox."""
OF_LATE = timedelta(days=14)
"""How long a refusal stands there."""
_ID, _MOMENT = postgresql.UUID(as_uuid=True), DateTime(timezone=True)


@dataclass(frozen=True)
class Waiting:
    """One row of the inbox: ``about`` says what ``id`` is of, ``parent`` is what it is found under."""

    kind: InboxKind
    about: str
    id: UUID
    parent: UUID
    charter_id: UUID | None
    words: str
    more: str
    since: datetime
    due_by: datetime | None

    @property
    def is_of_review(self) -> bool:
        """Whether ``parent`` is a review."""
        return self.kind in {"vote", "condition", "request"} or (self.kind == "refusal" and self.about != "decision")


@dataclass(frozen=True)
class Asker:
    """Whose inbox it is, whose votes they may cast, and to which kinds of review they may say no though named."""

    subject: str
    principals: Sequence[str]
    withholding: Collection[str]


class InboxStore:
    def __init__(self, connection: AsyncConnection, asker: Asker, now: datetime) -> None:
        self._connection = connection
        self._all = _everything(asker, now).subquery()

    async def counts(self) -> Mapping[str, int]:
        """How much of each kind waits."""
        query = select(self._all.c.kind, func.count().label("waiting")).group_by(self._all.c.kind)
        return {row.kind: row.waiting for row in await self._connection.execute(query)}

    async def page(self, kind: InboxKind | None, after: tuple[bool, datetime, UUID] | None) -> list[Waiting]:
        """What has a time limit, the soonest first; then the rest, the oldest first."""
        waits = self._all.c
        order = (waits.due_by.is_(None), func.coalesce(waits.due_by, waits.since), waits.id)
        query = select(self._all).where(waits.kind == kind) if kind is not None else select(self._all)
        if after is not None:
            unlimited, at, name = after
            query = query.where(tuple_(*order) > tuple_(literal(unlimited), literal(at, _MOMENT), literal(name, _ID)))
        rows = await self._connection.execute(query.order_by(*order).limit(PAGE))
        return [Waiting(*row) for row in rows]

    async def charter_titles(self, charter_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """What charters are called by their newest version."""
        table = charter_versions.c
        query = select(table.charter_id, table.document["title"].astext.label("title"))
        query = query.ext(distinct_on(table.charter_id)).where(table.charter_id.in_(charter_ids))
        rows = await self._connection.execute(query.order_by(table.charter_id, table.version.desc()))
        return {row.charter_id: row.title for row in rows}

    async def population_names(self, population_ids: Collection[UUID]) -> Mapping[UUID, str]:
        query = select(populations.c.id, populations.c.name).where(populations.c.id.in_(population_ids))
        return {row.id: row.name for row in await self._connection.execute(query)}


def _everything(asker: Asker, now: datetime) -> CompoundSelect[Any]:
    me = asker.subject
    found = [_conditions(me, now), _duties(me), _actions(me), _endings(me, now), _permits(me, now), _grants(me, now)]
    found += [_requests(me, now), _refused_plans(me, now), _refused_requests(me, now)]
    return union_all(*found, *([_votes(asker, now)] if asker.principals else []))


def _row(kind: InboxKind, about: ColumnElement[Any] | str, **said: Any) -> Select[Any]:
    """A select with the columns of ``Waiting``."""
    columns: Mapping[str, Any] = {"charter_id": literal(None, _ID), "words": "", "more": "", **said}
    shown: list[ColumnElement[Any]] = [
        literal(kind, Text).label("kind"),
        _text(about).label("about"),
        columns["id"].label("id"),
        columns.get("parent", columns["id"]).label("parent"),
        columns["charter_id"].label("charter_id"),
        _text(columns["words"]).label("words"),
        _text(columns["more"]).label("more"),
        columns["since"].label("since"),
        columns.get("due_by", literal(None, _MOMENT)).label("due_by"),
    ]
    return select(*shown)


def _text(said: ColumnElement[Any] | str) -> ColumnElement[Any]:
    return literal(said, Text) if isinstance(said, str) else cast(said, Text)


def _is_open(now: datetime) -> ColumnElement[bool]:
    return (reviews.c.state == "open") & (reviews.c.expires_at > now)


# --- reviews -----------------------------------------------------------------------------------------


def _votes(asker: Asker, now: datetime) -> Select[Any]:
    """Open reviews in which one of the votes that somebody may cast has not been cast, and is nobody's who is kept
    from it: as ``check_vote`` decides once it is cast, by who was interested when the review was last raised.
    """
    me = asker.subject
    own = [_is_free(asker, person) & ~_has_voted({me, person}) for person in asker.principals]
    query = _row(
        "vote", reviews.c.kind, id=reviews.c.id, charter_id=reviews.c.charter_id, since=reviews.c.opened_at,
        due_by=reviews.c.expires_at,
    )  # fmt: skip
    return query.where(_is_open(now), _is_free(asker, me), or_(*own))


def _is_free(asker: Asker, person: str) -> ColumnElement[bool]:
    named = reviews.c.named.contains([person])
    return not_(reviews.c.barred.contains([person])) & or_(reviews.c.kind.in_(asker.withholding), not_(named))


def _has_voted(people: Collection[str]) -> ColumnElement[bool]:
    cast_by = or_(votes.c.voter.in_(people), votes.c.principal.in_(people))
    return select(votes.c.id).where(votes.c.review_id == reviews.c.id, cast_by).exists()


def _conditions(me: str, now: datetime) -> Select[Any]:
    """What approvals depend on: for whoever set it, and whoever asked."""
    query = _row(
        "condition", reviews.c.kind, id=conditions.c.id, parent=reviews.c.id,
        charter_id=reviews.c.charter_id, words=conditions.c.condition, more=conditions.c.set_by,
        since=votes.c.cast_at, due_by=reviews.c.expires_at,
    )  # fmt: skip
    joined = query.select_from(conditions.join(reviews).join(votes, votes.c.id == conditions.c.vote_id))
    mine = or_(conditions.c.set_by == me, reviews.c.opened_by == me)
    return joined.where(_is_open(now), conditions.c.met_at.is_(None), mine)


def _requests(me: str, now: datetime) -> Select[Any]:
    query = _row(
        "request", reviews.c.kind, id=reviews.c.id, charter_id=reviews.c.charter_id, since=reviews.c.opened_at,
        due_by=reviews.c.expires_at,
    )  # fmt: skip
    return query.where(_is_open(now), reviews.c.opened_by == me)


def _refused_requests(me: str, now: datetime) -> Select[Any]:
    """Of a plan the decision says it."""
    query = _row(
        "refusal", reviews.c.kind, id=reviews.c.id, charter_id=reviews.c.charter_id, words=reviews.c.state,
        since=reviews.c.decided_at,
    )  # fmt: skip
    ended = reviews.c.state.in_(["rejected", "lapsed"]) & (reviews.c.decided_at > now - OF_LATE)
    return query.where(reviews.c.opened_by == me, ended, reviews.c.kind != "plan")


def _refused_plans(me: str, now: datetime) -> Select[Any]:
    query = _row(
        "refusal", "decision", id=decisions.c.id, charter_id=decisions.c.charter_id,
        words=func.array_to_string(decisions.c.failed, ", "), since=decisions.c.decided_at,
    )  # fmt: skip
    since = now - OF_LATE
    return query.where(decisions.c.requester == me, decisions.c.verdict == "deny", decisions.c.decided_at > since)


# --- incidents ---------------------------------------------------------------------------------------


def _duties(me: str) -> Select[Any]:
    """Whom the owner of an open incident must notify."""
    given = select(owners.c.owner).where(owners.c.kind == "incident", owners.c.subject == cast(incidents.c.id, Text))
    owner = func.coalesce(given.order_by(owners.c.id.desc()).limit(1).scalar_subquery(), incidents.c.opened_by)
    query = _row(
        "duty", "incident", id=duties.c.id, parent=incidents.c.id, words=duties.c.recipient, more=incidents.c.title,
        since=incidents.c.opened_at, due_by=duties.c.due_at,
    )  # fmt: skip
    joined = query.select_from(duties.join(incidents))
    return joined.where(incidents.c.state == "open", duties.c.done_at.is_(None), owner == me)


def _actions(me: str) -> Select[Any]:
    query = _row(
        "action", "incident", id=corrective_actions.c.id, parent=incidents.c.id, words=corrective_actions.c.action,
        more=incidents.c.title, since=incidents.c.opened_at, due_by=corrective_actions.c.due_at,
    )  # fmt: skip
    joined = query.select_from(corrective_actions.join(incidents))
    return joined.where(
        incidents.c.state == "open", corrective_actions.c.done_at.is_(None), corrective_actions.c.owner == me
    )


# --- what ends soon ----------------------------------------------------------------------------------


def _endings(me: str, now: datetime) -> Select[Any]:
    """Dates of charters, assessments, training and waivers, as the calendar has them."""
    subject = cast(func.split_part(deadlines.c.subject, ":", 2), _ID)
    charter = cast(deadlines.c.payload["charter"].astext, _ID)
    query = _row(
        "expiry", deadlines.c.kind, id=deadlines.c.id, parent=subject, charter_id=charter,
        words=func.coalesce(deadlines.c.payload["topic"].astext, ""), since=deadlines.c.made_at,
        due_by=deadlines.c.due_at,
    )  # fmt: skip
    still = deadlines.c.done_at.is_(None) & deadlines.c.cancelled_at.is_(None)
    mine = deadlines.c.payload["to"].astext == me
    return query.where(mine, still, deadlines.c.kind.in_(ENDINGS), deadlines.c.due_at <= now + SOON)


def _permits(me: str, now: datetime) -> Select[Any]:
    """Permits that nothing has been made by yet."""
    query = _row(
        "expiry", "permit", id=permits.c.id, parent=permits.c.run_id, charter_id=permits.c.charter_id,
        since=permits.c.made_at, due_by=permits.c.expires_at,
    )  # fmt: skip
    return query.where(permits.c.state == "reserved", permits.c.expires_at > now, permits.c.requester == me)


def _grants(me: str, now: datetime) -> Select[Any]:
    query = _row(
        "expiry", "grant", id=grants.c.id, parent=grants.c.asset_id, charter_id=permits.c.charter_id,
        words=grants.c.use_case, since=grants.c.granted_at, due_by=grants.c.valid_until,
    )  # fmt: skip
    joined = query.select_from(grants.join(permits, permits.c.run_id == grants.c.asset_id))
    return joined.where(grants.c.subject == me, grants.c.valid_until > now, grants.c.valid_until <= now + SOON)
