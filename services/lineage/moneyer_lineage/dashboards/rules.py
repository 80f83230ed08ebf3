"""What events are counted as, and the steps that a series of counts goes in. All times are those of UTC."""

from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from moneyer_shared.errors import Invalid

Step = Literal["hour", "day", "week"]
MOST_STEPS = 2000
STEPS: Mapping[Step, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}

Measure = Literal["events", "runs", "decisions", "refusals", "releases", "changes"]
MEASURES: Mapping[Measure, str] = {
    "events": "OpenLineage events that anybody told, by type",
    "runs": "Ends of moneyer's own runs, by how they ended",
    "decisions": "Decisions of the gate, by verdict",
    "refusals": "Clauses that plans failed, by code",
    "releases": "Release decisions, by verdict",
    "changes": "What became of assets since, by change",
}
INSTANT = timedelta(microseconds=1)
"""Ends are not part of a stretch of time: with this, now is."""
ENDS = frozenset({"COMPLETE", "FAIL", "ABORT"})
SAID: tuple[tuple[Measure, str, str], ...] = (
    ("decisions", "moneyer_policyDecision", "verdict"),
    ("refusals", "moneyer_policyDecision", "failed"),
    ("releases", "moneyer_release", "verdict"),
    ("changes", "moneyer_assetChange", "change"),
)
"""The facet of a run, and the member of it, that each measure counts."""
LONGEST_LABEL = 100

Counted = tuple[Measure, datetime, str]
"""A measure, the beginning of an hour, and which of its kinds."""


def counted(kind: str | None, at: datetime, facets: Any, *, vouched: bool) -> list[Counted]:
    """All that one event counts as. ``facets`` are its run's; of runs, plans and assets the house alone may speak."""
    hour = begin_of("hour", at)
    found: list[Counted] = [("events", hour, kind or "NONE")]
    if not vouched:
        return found
    if kind in ENDS:
        found.append(("runs", hour, kind))
    said: Mapping[str, object] = facets if isinstance(facets, dict) else {}
    for measure, facet, member in SAID:
        found.extend((measure, hour, label) for label in _labels(said.get(facet), member))
    return found


def _labels(facet: Any, member: str) -> list[str]:
    """What a facet says there, if it is of the shape it should be."""
    said = facet.get(member) if isinstance(facet, dict) else None
    many = said if isinstance(said, list) else [said]
    return [one[:LONGEST_LABEL] for one in many if isinstance(one, str) and one]


def total(events: Iterable[Iterable[Counted]]) -> Counter[Counted]:
    return Counter(one for told in events for one in told)


# --- steps -----------------------------------------------------------------------------------


def begin_of(step: Step, at: datetime) -> datetime:
    """When the hour, the day or the week from Monday began that ``at`` is in."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if step == "hour":
        return hour
    day = hour.replace(hour=0)
    return day if step == "day" else day - timedelta(days=day.weekday())


@contextmanager
def _within_the_calendar() -> Generator[None]:
    try:
        yield
    except OverflowError as error:
        raise Invalid("A series stays within the years 1 to 9999.", code="series-off-calendar") from error


@dataclass(frozen=True)
class Stretch:
    """Whole steps from ``since`` until ``end``."""

    since: datetime
    end: datetime
    step: Step

    @classmethod
    def of(cls, since: datetime, until: datetime, step: Step) -> "Stretch":
        """The steps from the one that ``since`` is in to the one that ends at ``until`` or after.

        Raises:
            Invalid: it ends before it begins, has more steps than anybody draws, or leaves the calendar.
        """
        if not since < until:
            raise Invalid("A series begins before it ends: give since before until.", code="series-backwards")
        with _within_the_calendar():
            begin, end = begin_of(step, since), begin_of(step, until - INSTANT) + STEPS[step]
        count = (end - begin) // STEPS[step]
        if count > MOST_STEPS:
            raise Invalid(
                f"A series has at most {MOST_STEPS} steps, and this has {count}: ask for longer steps or less time.",
                code="series-too-long",
            )
        return cls(begin, end, step)

    @classmethod
    def last(cls, count: int, until: datetime, step: Step) -> "Stretch":
        """So many steps, the last of which ends at ``until`` or after.

        Raises:
            Invalid: it leaves the calendar.
        """
        with _within_the_calendar():
            end = begin_of(step, until - INSTANT) + STEPS[step]
            return cls(end - count * STEPS[step], end, step)

    @property
    def begins(self) -> list[datetime]:
        return [self.since + place * STEPS[self.step] for place in range((self.end - self.since) // STEPS[self.step])]

    def filled(self, found: Mapping[tuple[datetime, str], int]) -> list[tuple[datetime, str, int]]:
        """(begin, label, count) of every step for each label met, by time; nothing counted is a nought, no gap."""
        labels = sorted({label for _, label in found})
        return [(begin, label, found.get((begin, label), 0)) for begin in self.begins for label in labels]
