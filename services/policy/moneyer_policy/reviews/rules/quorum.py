"""What a matter takes: a quorum in stages, merged of what charters ask, the house's rule and its floor (I11).

Whoever speaks only adds: a proposal chooses nobody it is judged by.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from moneyer_policy.reviews.rules.schema import FUNCTIONS
from moneyer_shared.errors import Invalid

Bound = TypeVar("Bound", int, timedelta)
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

    @property
    def ttl_hours(self) -> int:
        return int((self.ttl or TIME_LIMIT).total_seconds() // 3600)


PRIVACY = Stage("committee", {"privacy": 1}, deny_threshold=2)
"""The floor of what stays within a charter in force, or stops something."""
PRIVACY_AND_ANOTHER = Stage("committee", {"privacy": 1}, 2, deny_threshold=2, minimum_functions=2)
"""The floor of what lets more happen than was voted before, or cannot be undone."""
UNSAID = Quorum((Stage("committee", {}),))
"""What is added to a floor where neither the house nor a charter says anything of a matter."""


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


def required(floor: Stage, rule: Quorum | None, *asked: Quorum | None) -> Quorum:
    """What a matter takes: what charters ask, the house's rule of its kind and the kind's floor; none lowers another.

    What a charter leaves unsaid of rejections and of time is as the house says, else as where nobody says: another
    that says more does not speak for it.
    """
    charters, house = [quorum for quorum in asked if quorum is not None], rule or UNSAID
    spoken = [_completed(quorum, house) for quorum in charters]
    said = merged(*([*spoken, rule] if rule is not None else spoken or [UNSAID]))
    most, limit = floor.deny_threshold or 1, house.ttl or TIME_LIMIT
    stages = tuple(replace(stage, deny_threshold=min(stage.deny_threshold or 1, most)) for stage in said.stages)
    taken = Quorum(stages, said.ttl and min([said.ttl, *(quorum.ttl or limit for quorum in charters)]))
    return taken if _asks_as_much(stages, floor) else merged(taken, Quorum((floor,)))


def _completed(quorum: Quorum, house: Quorum) -> Quorum:
    """A charter's quorum with the house's word, else one, for every stage that says nothing of rejections."""
    known = [stage.deny_threshold for stage in house.stages] + [None] * len(quorum.stages)
    stages = [
        replace(stage, deny_threshold=stage.deny_threshold or known[i] or 1) for i, stage in enumerate(quorum.stages)
    ]
    return replace(quorum, stages=tuple(stages))


def _asks_as_much(stages: Sequence[Stage], floor: Stage) -> bool:
    """Whether the stages together ask for a floor: nobody votes in two, so what they ask for adds up."""
    counts = Counter[str]()
    for stage in stages:
        counts.update(stage.counts)
    total = sum(max(stage.minimum_total, sum(stage.counts.values())) for stage in stages)
    functions = max(len(counts), *(stage.minimum_functions for stage in stages))
    enough = all(counts[name] >= wanted for name, wanted in floor.counts.items())
    return enough and total >= floor.minimum_total and functions >= floor.minimum_functions
