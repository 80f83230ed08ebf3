"""Decision rights: who may decide what, counted by function in stages, bound to a digest and to time.

Anything can be put up for review. A review is decided by its stages in order; a vote counts in the
stage it was cast in, for one person and one function (I9).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from moneyer_policy.reviews.rules.quorum import Quorum, Stage
from moneyer_shared.errors import Conflict, Forbidden, Invalid

Verdict = Literal["approve", "reject"]
State = Literal["open", "approved", "rejected", "lapsed"]


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
class CastVote(Vote):
    """A vote as it is kept."""

    id: UUID
    reason: str
    committee_version: int

    @property
    def on_behalf_of(self) -> str | None:
        """Who lent the function, where it was lent."""
        return None if self.principal == self.voter else self.principal


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
    """Something up for a decision.

    ``barred`` are interested in it whatever is proposed; ``named`` only by the word of who put it up. Neither approves,
    but a word takes nobody's no away, where ``a_no_withholds``: where the rejection of its kind gives nobody anything.
    """

    id: str
    kind: str
    digest: str
    barred: frozenset[str]
    quorum: Quorum
    state: State
    expires_at: datetime
    votes: tuple[Vote, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())
    named: frozenset[str] = frozenset()
    a_no_withholds: bool = False

    @property
    def interested(self) -> frozenset[str]:
        """Whose approval never counts."""
        return self.barred | self.named


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
    if {vote.voter, vote.principal} & _kept_from(review, vote.verdict):
        raise Forbidden("Nobody decides on their own matter, nor through a delegate.", code="own-matter")
    _check_power(review, vote, tuple(powers))
    persons = {person for cast in review.votes for person in (cast.voter, cast.principal)}
    if {vote.voter, vote.principal} & persons:
        raise Conflict("You have voted on this matter, or your vote was cast for you.", code="already-voted")
    if conditions and vote.verdict == "reject":
        raise Invalid("A rejection carries no conditions; give a reason.", code="condition-on-rejection")
    if conditions and not review.quorum.stages[vote.stage].conditions_allowed:
        raise Invalid("This stage takes no conditional approvals.", code="conditions-not-allowed")


def _kept_from(review: Review, verdict: Verdict) -> frozenset[str]:
    return review.barred if verdict == "reject" and review.a_no_withholds else review.interested


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


class Tally(NamedTuple):
    """What votes come to: the state they put a review in, and the number of the stage it has reached."""

    state: State
    stage: int


def tally(review: Review, now: datetime) -> Tally:
    """What the votes make of an open review at a moment, and the stage it has reached.

    An approval that has grown too old for its stage no longer counts, nor one by who has been barred since, as a new
    owner is; a rejection does.
    """
    valid = _valid(review, now)
    for number, stage in enumerate(review.quorum.stages):
        cast = [vote for vote in valid if vote.stage == number]
        if sum(vote.verdict == "reject" for vote in cast) >= (stage.deny_threshold or 1):
            return Tally("rejected", number)
        if not _reached(stage, [vote for vote in cast if vote.verdict == "approve"]):
            return Tally("open", number)
    last = len(review.quorum.stages) - 1
    if not review.quorum.stages:
        return Tally("open", 0)
    return Tally("approved" if all(entry.met for entry in review.conditions) else "open", last)


def _valid(review: Review, now: datetime) -> list[Vote]:
    bound = [vote for vote in review.votes if vote.digest == review.digest]
    return [vote for vote in bound if _counts(vote, review) and _is_young(vote, review, now)]


@dataclass(frozen=True)
class Missing:
    """What the stage that a review has reached still takes: approvals by function, in all, of so many more functions;
    and how many conditions are to be met once they are there.
    """

    counts: Mapping[str, int]
    approvals: int
    functions: int
    conditions: int


def missing(review: Review, now: datetime) -> Missing:
    """What an open review still takes at a moment; further stages come after that."""
    unmet = sum(not condition.met for condition in review.conditions)
    number = tally(review, now).stage
    stage = review.quorum.stages[number]
    approvals = [vote for vote in _valid(review, now) if vote.stage == number and vote.verdict == "approve"]
    people = {vote.principal: vote.function for vote in approvals}
    held = Counter(people.values())
    lacking = {name: wanted - held[name] for name, wanted in stage.counts.items() if wanted > held[name]}
    others = max(stage.minimum_functions - len({*held, *lacking}), 0)
    in_all = max(stage.minimum_total - len(people), sum(lacking.values()) + others)
    return Missing(lacking, in_all, max(stage.minimum_functions - len(held), 0), unmet)


def _counts(vote: Vote, review: Review) -> bool:
    return vote.verdict == "reject" or not {vote.voter, vote.principal} & review.interested


def _is_young(vote: Vote, review: Review, now: datetime) -> bool:
    if vote.verdict == "reject" or vote.stage >= len(review.quorum.stages):
        return True
    days = review.quorum.stages[vote.stage].valid_days
    return days is None or now < vote.cast_at + timedelta(days=days)


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
