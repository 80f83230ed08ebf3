"""Decision rights: who may decide what, counted by function in stages, bound to a digest and to time.

Anything can be put up for review. A review is decided by its stages in order; a vote counts in the
stage it was cast in, for one person and one function (I9).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from mintmark_policy.domain.charter_schema import FUNCTIONS
from mintmark_shared.errors import Conflict, Forbidden, Invalid

Kind = Literal[
    "charter", "plan", "configuration", "grant", "release", "blended-release", "retirement", "exception",
    "budget", "transfer", "resumption", "incident", "break-glass", "model", "finding", "withdrawal",
]  # fmt: skip
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
Verdict = Literal["approve", "reject"]
State = Literal["open", "approved", "rejected", "lapsed"]


@dataclass(frozen=True)
class Stage:
    """One step of a quorum: so many approvals by function, so many in all, so few denials.

    ``valid_days`` is how long an approval counts after it was cast; without it, for ever.
    """

    name: str
    counts: Mapping[str, int]
    minimum_total: int = 1
    deny_threshold: int = 1
    conditions_allowed: bool = True
    valid_days: int | None = None


@dataclass(frozen=True)
class Quorum:
    """The stages of one kind of review, and how long it may stay open."""

    stages: tuple[Stage, ...]
    ttl: timedelta = timedelta(days=14)


DEFAULT_QUORUM = Quorum((Stage("committee", {"privacy": 1}),))


@dataclass(frozen=True)
class Vote:
    """One person's verdict on exactly one digest; ``principal`` is whose vote it is."""

    voter: str
    principal: str
    function: str
    verdict: Verdict
    digest: str
    stage: int
    cast_at: datetime


@dataclass(frozen=True)
class Condition:
    """What an approval was made to depend on."""

    set_by: str
    met: bool


@dataclass(frozen=True)
class Power:
    """A function somebody may vote with: their own, or one delegated to them."""

    holder: str
    function: str
    principal: str


@dataclass(frozen=True)
class Review:
    """Something up for a decision."""

    id: str
    kind: str
    digest: str
    barred: frozenset[str]
    quorum: Quorum
    state: State
    expires_at: datetime
    votes: tuple[Vote, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())


def read_quorum(document: Mapping[str, Any]) -> Quorum:
    """The quorum a document states.

    Raises:
        Invalid: there are no stages, a stage asks for nobody, or for more than it could mean.
    """
    stages = tuple(_read_stage(entry) for entry in document["stages"])
    if not stages:
        raise Invalid("A quorum needs at least one stage.", code="quorum-invalid")
    return Quorum(stages, timedelta(hours=document.get("ttl_hours", 336)))


def _read_stage(entry: Mapping[str, Any]) -> Stage:
    counts = {name: int(count) for name, count in entry.get("counts", {}).items() if count}
    if not set(counts) <= set(FUNCTIONS):
        raise Invalid(f"A stage counts functions among {', '.join(FUNCTIONS)}.", code="quorum-invalid")
    total = max(int(entry.get("minimum_total", 0)), sum(counts.values()))
    if total < 1:
        raise Invalid("A stage must ask for at least one approval.", code="quorum-invalid")
    return Stage(
        name=entry["name"],
        counts=counts,
        minimum_total=total,
        deny_threshold=int(entry.get("deny_threshold", 1)),
        conditions_allowed=bool(entry.get("conditions_allowed", True)),
        valid_days=entry.get("valid_days"),
    )


def show_quorum(quorum: Quorum) -> dict[str, Any]:
    stages = [
        {
            "name": stage.name,
            "counts": dict(stage.counts),
            "minimum_total": stage.minimum_total,
            "deny_threshold": stage.deny_threshold,
            "conditions_allowed": stage.conditions_allowed,
            "valid_days": stage.valid_days,
        }
        for stage in quorum.stages
    ]
    return {"stages": stages, "ttl_hours": int(quorum.ttl.total_seconds() // 3600)}


def raised(floor: Quorum | None, counts: Mapping[str, int]) -> Quorum:
    """A document's own counts, raised to the house's where there are any; never lowered."""
    if floor is None:
        return Quorum((Stage("committee", dict(counts), minimum_total=sum(counts.values())),))
    first, *rest = floor.stages
    merged = {name: max(counts.get(name, 0), first.counts.get(name, 0)) for name in {*counts, *first.counts}}
    total = max(first.minimum_total, sum(merged.values()))
    stage = Stage(first.name, merged, total, first.deny_threshold, first.conditions_allowed, first.valid_days)
    return Quorum((stage, *rest), floor.ttl)


def check_open(review: Review, now: datetime) -> None:
    """Raises Conflict: the review is decided, or its time is over."""
    if review.state != "open" or now >= review.expires_at:
        raise Conflict("This review is over.", code="not-open")


def check_vote(review: Review, vote: Vote, powers: Iterable[Power], *, conditions: int, now: datetime) -> None:
    """Whether this vote may be cast.

    Raises:
        Conflict: the review is over, the digest is another, or somebody would count twice.
        Forbidden: the voter's own matter (I9), or a power the voter does not hold.
        Invalid: a condition on a rejection, or where the stage takes none.
    """
    check_open(review, now)
    if vote.digest != review.digest:
        raise Conflict("The matter changed since it was read; vote on its present digest.", code="digest-changed")
    if {vote.voter, vote.principal} & review.barred:
        raise Forbidden("Nobody decides on their own matter, nor through a delegate.", code="own-matter")
    _check_power(review, vote, tuple(powers))
    persons = {person for cast in review.votes for person in (cast.voter, cast.principal)}
    if {vote.voter, vote.principal} & persons:
        raise Conflict("You have voted on this matter, or your vote was cast for you.", code="already-voted")
    if conditions and vote.verdict == "reject":
        raise Invalid("A rejection carries no conditions; give a reason.", code="condition-on-rejection")
    if conditions and not review.quorum.stages[vote.stage].conditions_allowed:
        raise Invalid("This stage takes no conditional approvals.", code="conditions-not-allowed")


def _check_power(review: Review, vote: Vote, powers: tuple[Power, ...]) -> None:
    if Power(vote.voter, vote.function, vote.principal) not in powers:
        raise Forbidden(f"You do not hold the function {vote.function}.", code="function-not-held")
    required = {name for stage in review.quorum.stages for name in stage.counts}
    held = {power.function for power in powers} & required
    if vote.principal != vote.voter and len(held) > 1:
        raise Forbidden("A delegate may not hold two functions that this review requires.", code="delegate-holds-two")


def check_delegation(delegator: str, delegate: str, function: str, own: frozenset[str], theirs: frozenset[str]) -> None:
    """Whether a function may be lent: only one's own (never a lent one), and to nobody who holds one.

    Raises:
        Forbidden: the function is not the delegator's own, or the delegate sits on the committee with another.
    """
    if delegator == delegate:
        raise Forbidden("A function is delegated to somebody else.", code="own-matter")
    if function not in own:
        raise Forbidden("Only a function held in one's own right is delegated.", code="function-not-held")
    if theirs - {function}:
        raise Forbidden("The delegate would hold two functions.", code="delegate-holds-two")


def standing(review: Review) -> tuple[State, int]:
    """What the votes make of an open review, and the stage it has reached."""
    valid = [vote for vote in review.votes if vote.digest == review.digest]
    for number, stage in enumerate(review.quorum.stages):
        cast = [vote for vote in valid if vote.stage == number]
        if sum(vote.verdict == "reject" for vote in cast) >= stage.deny_threshold:
            return "rejected", number
        if not _reached(stage, [vote for vote in cast if vote.verdict == "approve"]):
            return "open", number
    last = len(review.quorum.stages) - 1
    if not review.quorum.stages:
        return "open", 0
    return ("approved" if all(entry.met for entry in review.conditions) else "open"), last


def _reached(stage: Stage, approvals: Sequence[Vote]) -> bool:
    people = {vote.principal: vote.function for vote in approvals}
    enough = all(sum(held == needed for held in people.values()) >= n for needed, n in stage.counts.items())
    return enough and len(people) >= stage.minimum_total >= 1


def holds_until(review: Review) -> datetime | None:
    """When an approval ceases to hold because votes have grown too old; None if it never does."""
    ends = [end for number, stage in enumerate(review.quorum.stages) for end in _ends(review, number, stage)]
    return min(ends) if ends else None


def _ends(review: Review, number: int, stage: Stage) -> list[datetime]:
    """The moments at which each demand of a stage loses the last vote it needs."""
    if stage.valid_days is None:
        return []
    lasting = timedelta(days=stage.valid_days)
    cast = [vote for vote in review.votes if vote.stage == number and vote.verdict == "approve"]
    demands = [(cast, stage.minimum_total)]
    demands += [([vote for vote in cast if vote.function == name], n) for name, n in stage.counts.items()]
    # With n votes needed, the quorum is lost when only n - 1 of the newest are left.
    return [sorted((vote.cast_at for vote in votes), reverse=True)[n - 1] + lasting for votes, n in demands if n]
