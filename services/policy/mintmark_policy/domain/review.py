"""Decision rights: who may decide what, counted by function in stages, bound to a digest and to time.

Anything can be put up for review. A review is decided by its stages in order; a vote counts in the
stage it was cast in, for one person and one function (I9). What a matter takes is merged of what the
charters in question ask, the house's rule and the house's floor: whoever speaks only adds (I11).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from mintmark_policy.domain.charter_schema import FUNCTIONS
from mintmark_shared.errors import Conflict, Forbidden, Invalid

Kind = Literal[
    "charter", "plan", "configuration", "grant", "release", "blended-release", "retirement", "exception",
    "budget", "transfer", "resumption", "incident", "break-glass", "model", "finding", "withdrawal",
]  # fmt: skip
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
Bound = TypeVar("Bound", int, timedelta)
Verdict = Literal["approve", "reject"]
State = Literal["open", "approved", "rejected", "lapsed"]


TIME_LIMIT = timedelta(days=14)
"""How long a review stays open where nobody says."""


@dataclass(frozen=True)
class Stage:
    """One step of a quorum: so many approvals by function, so many in all, of so many functions, so few denials.

    ``valid_days`` is how long an approval counts after it was cast; without it, for ever. ``deny_threshold``
    is one where nobody says.
    """

    name: str
    counts: Mapping[str, int]
    minimum_total: int = 1
    deny_threshold: int | None = None
    conditions_allowed: bool = True
    valid_days: int | None = None
    minimum_functions: int = 1


@dataclass(frozen=True)
class Quorum:
    """The stages of one kind of review, and how long it may stay open (``TIME_LIMIT`` where nobody says)."""

    stages: tuple[Stage, ...]
    ttl: timedelta | None = None


_PRIVACY = Stage("committee", {"privacy": 1}, deny_threshold=2)
_PRIVACY_AND_ANOTHER = Stage("committee", {"privacy": 1}, 2, deny_threshold=2, minimum_functions=2)
FLOORS: Mapping[Kind, Stage] = {
    # What lets more happen than was voted before, or cannot be undone, takes privacy and one more function.
    "charter": _PRIVACY_AND_ANOTHER,
    "configuration": _PRIVACY_AND_ANOTHER,
    "blended-release": _PRIVACY_AND_ANOTHER,
    "retirement": _PRIVACY_AND_ANOTHER,
    "exception": _PRIVACY_AND_ANOTHER,
    "budget": _PRIVACY_AND_ANOTHER,
    "resumption": _PRIVACY_AND_ANOTHER,
    "finding": _PRIVACY_AND_ANOTHER,
    # What stays within a charter in force, or stops something, takes privacy.
    "plan": _PRIVACY,
    "grant": _PRIVACY,
    "release": _PRIVACY,
    "transfer": _PRIVACY,
    "incident": _PRIVACY,
    "break-glass": _PRIVACY,
    "model": _PRIVACY,
    "withdrawal": _PRIVACY,
}
"""What the house asks from its first start on, before anybody sets a rule; rules and charters only add to it."""
UNSAID = Quorum((Stage("committee", {}),))
"""What is added to a floor where neither the house nor a charter says anything of a matter."""


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
    hours = document.get("ttl_hours")
    return Quorum(stages, timedelta(hours=hours) if hours is not None else None)


def _read_stage(entry: Mapping[str, Any]) -> Stage:
    counts = {name: int(count) for name, count in entry.get("counts", {}).items() if count}
    if not set(counts) <= set(FUNCTIONS):
        raise Invalid(f"A stage counts functions among {', '.join(FUNCTIONS)}.", code="quorum-invalid")
    total = max(int(entry.get("minimum_total", 0)), sum(counts.values()), int(entry.get("minimum_functions", 0)))
    if total < 1:
        raise Invalid("A stage must ask for at least one approval.", code="quorum-invalid")
    return Stage(
        name=entry["name"],
        counts=counts,
        minimum_total=total,
        deny_threshold=entry.get("deny_threshold"),
        conditions_allowed=bool(entry.get("conditions_allowed", True)),
        valid_days=entry.get("valid_days"),
        minimum_functions=int(entry.get("minimum_functions", 1)),
    )


def show_quorum(quorum: Quorum) -> dict[str, Any]:
    stages = [
        {
            "name": stage.name,
            "counts": dict(stage.counts),
            "minimum_total": stage.minimum_total,
            "minimum_functions": stage.minimum_functions,
            "deny_threshold": stage.deny_threshold or 1,
            "conditions_allowed": stage.conditions_allowed,
            "valid_days": stage.valid_days,
        }
        for stage in quorum.stages
    ]
    return {"stages": stages, "ttl_hours": int((quorum.ttl or TIME_LIMIT).total_seconds() // 3600)}


def counted(counts: Mapping[str, int]) -> Quorum:
    """The quorum of a charter that says only how many of each function approve."""
    return Quorum((Stage("committee", dict(counts), minimum_total=sum(counts.values())),))


def merged(*quorums: Quorum) -> Quorum:
    """The quorum that meets each of several: stage by stage the stricter, further stages after them.

    Raises:
        ValueError: there are none. Nothing asked of nobody is a mistake, never a quorum.
    """
    if not quorums:
        message = "a quorum merged of none would let everything through"
        raise ValueError(message)
    longest = max(len(quorum.stages) for quorum in quorums)
    stages = tuple(_stricter([one.stages[i] for one in quorums if i < len(one.stages)]) for i in range(longest))
    return Quorum(stages, _least([quorum.ttl for quorum in quorums]))


def _stricter(stages: Sequence[Stage]) -> Stage:
    functions = {name for stage in stages for name in stage.counts}
    counts = {name: max(stage.counts.get(name, 0) for stage in stages) for name in sorted(functions)}
    return Stage(
        name=stages[0].name,
        counts=counts,
        minimum_total=max(*(stage.minimum_total for stage in stages), sum(counts.values())),
        deny_threshold=_least([stage.deny_threshold for stage in stages]),
        conditions_allowed=all(stage.conditions_allowed for stage in stages),
        valid_days=_least([stage.valid_days for stage in stages]),
        minimum_functions=max(stage.minimum_functions for stage in stages),
    )


def _least(values: Sequence[Bound | None]) -> Bound | None:
    return min((value for value in values if value is not None), default=None)


def required(kind: Kind, rule: Quorum | None, *asked: Quorum | None) -> Quorum:
    """What a matter takes: what charters ask, the house's rule of the kind and its floor; none lowers another."""
    said, floor = merged(*([quorum for quorum in (*asked, rule) if quorum is not None] or [UNSAID])), FLOORS[kind]
    most = floor.deny_threshold or 1
    stages = tuple(replace(stage, deny_threshold=min(stage.deny_threshold or 1, most)) for stage in said.stages)
    spoken = Quorum(stages, said.ttl)
    return spoken if _asks_as_much(stages, floor) else merged(spoken, Quorum((floor,)))


def _asks_as_much(stages: Sequence[Stage], floor: Stage) -> bool:
    """Whether the stages together ask for a floor: nobody votes in two, so what they ask for adds up."""
    counts = Counter[str]()
    for stage in stages:
        counts.update(stage.counts)
    total = sum(max(stage.minimum_total, sum(stage.counts.values())) for stage in stages)
    functions = max(len(counts), *(stage.minimum_functions for stage in stages))
    enough = all(counts[name] >= wanted for name, wanted in floor.counts.items())
    return enough and total >= floor.minimum_total and functions >= floor.minimum_functions


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
    """What the votes make of an open review, and the stage it has reached.

    An approval by who has been barred since, as a new owner is, no longer counts; a rejection does.
    """
    valid = [vote for vote in review.votes if vote.digest == review.digest and _counts(vote, review)]
    for number, stage in enumerate(review.quorum.stages):
        cast = [vote for vote in valid if vote.stage == number]
        if sum(vote.verdict == "reject" for vote in cast) >= (stage.deny_threshold or 1):
            return "rejected", number
        if not _reached(stage, [vote for vote in cast if vote.verdict == "approve"]):
            return "open", number
    last = len(review.quorum.stages) - 1
    if not review.quorum.stages:
        return "open", 0
    return ("approved" if all(entry.met for entry in review.conditions) else "open"), last


def _counts(vote: Vote, review: Review) -> bool:
    return vote.verdict == "reject" or not {vote.voter, vote.principal} & review.barred


def _reached(stage: Stage, approvals: Sequence[Vote]) -> bool:
    people = {vote.principal: vote.function for vote in approvals}
    enough = all(sum(held == needed for held in people.values()) >= n for needed, n in stage.counts.items())
    several = len(set(people.values())) >= stage.minimum_functions
    return enough and several and len(people) >= stage.minimum_total >= 1


def holds_until(review: Review) -> datetime | None:
    """When an approval ceases to hold because votes have grown too old; None if it never does."""
    ends = [end for number, stage in enumerate(review.quorum.stages) for end in _ends(review, number, stage)]
    return min(ends) if ends else None


def _ends(review: Review, number: int, stage: Stage) -> list[datetime]:
    """The moments at which each demand of a stage loses the last vote it needs."""
    if stage.valid_days is None:
        return []
    lasting = timedelta(days=stage.valid_days)
    approvals = [vote for vote in review.votes if vote.verdict == "approve" and _counts(vote, review)]
    cast = [vote for vote in approvals if vote.stage == number]
    newest = {vote.function: vote.cast_at for vote in sorted(cast, key=lambda vote: vote.cast_at)}
    demands = [([vote.cast_at for vote in cast], stage.minimum_total)]
    demands += [(list(newest.values()), stage.minimum_functions)]
    demands += [([vote.cast_at for vote in cast if vote.function == name], n) for name, n in stage.counts.items()]
    # With n votes needed, the quorum is lost when only n - 1 of the newest are left.
    return [sorted(moments, reverse=True)[n - 1] + lasting for moments, n in demands if n]
