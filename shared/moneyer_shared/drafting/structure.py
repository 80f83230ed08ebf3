"""What columns say together: who owns rows, and what may be an order, a survival time, a partition, a relation."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moneyer_shared.contracts.drafts import Question
from moneyer_shared.contracts.generation import Column
from moneyer_shared.drafting.columns import Told
from moneyer_shared.drafting.facts import Relation
from moneyer_shared.drafting.roles import names_a_person
from moneyer_shared.drafting.rows import round_numbers
from moneyer_shared.drafting.standards import words
from moneyer_shared.errors import Invalid

_BEGINS, _ENDS = (
    ("start", "begin", "from", "first", "min", "opened", "admitted"),
    ("end", "finish", "to", "last", "max", "closed", "discharged"),
)
_EVENT = re.compile(r"(.*_)?(event|status|censored|died|death|relapse|churn(ed)?|default(ed)?|outcome)")
_DURATION = re.compile(r"(.*_)?(duration|tenure|survival(_time|_days|_months)?|follow_?up(_.*)?|time_to_.*|time)")
_PARTITION = re.compile(r"(.*_)?(region|country|site|centre|center|hospital|province)")
_TARGET = re.compile(r"target|label|class|outcome|y")
TEMPORAL = {"date", "timestamp"}


@dataclass(frozen=True)
class UnitSaid:
    """Whose rows are protected together: ``answer`` as a person would write it, None while nobody knows."""

    answer: str | None
    question: Question | None = None


@dataclass(frozen=True)
class UnitParts:
    """A unit as a person writes it: ``customer_id 100 person``, or ``row``."""

    column: str
    rows: int = 1
    identifies: str | None = None


def unit_parts(text: str) -> UnitParts:
    """Raises Invalid: it is not written as a unit is."""
    found = re.fullmatch(r"(.+?)(?: ([0-9]{1,5})(?: (\S+))?)?", text.strip())
    if found is None:
        raise Invalid(f"No unit: {text[:100]!r}; it is written as in customer_id 100 person.", code="answer-unreadable")
    return UnitParts(found[1], int(found[2] or 1), found[3])


def unit_of(told: Sequence[Told], answered: str | None) -> UnitSaid:
    """A person's word, a column that tells persons apart, or one row each."""
    if answered is not None:
        return UnitSaid(answered)
    candidate = _candidate(told)
    if candidate is None:
        asks = "No column tells persons apart: is every row another person? Else name the column and its most rows."
        return UnitSaid("row", Question(answer="source.unit=", asks=asks, default="row"))
    most = candidate.rows.most_rows.get(candidate.name) if candidate.rows else None
    if candidate.documented.unique or most == 1:
        asks = f"{candidate.name} tells persons apart, one row each. Is that so?"
        default = f"{candidate.name} 1"
        return UnitSaid(default, Question(answer="source.unit=", asks=asks, default=default, columns=[candidate.name]))
    seen = f" READ FROM THE ROWS: nobody owns more than {round_numbers('0', str(most))[1]} now." if most else ""
    asks = f"How many rows may one {candidate.name} own at most?{seen} Answer as in source.unit={candidate.name} 100."
    return UnitSaid(None, Question(answer=f"source.unit={candidate.name} ", asks=asks, columns=[candidate.name]))


def _candidate(told: Sequence[Told]) -> Told | None:
    people = [one for one in told if names_a_person(one.name) and not one.documented.categories]
    keys = [one for one in told if one.documented.unique and one.documented.kind in {"integer", "text"}]
    return next(iter([*people, *keys]), None)


def suggestions(
    columns: Sequence[Column], unit: str | None, documented: Sequence[Relation], answered: frozenset[str]
) -> Iterator[Question]:
    """What the declaration could say beside, by what columns are called; nothing of it holds until it is answered."""
    found = {
        "constraint": None if documented else _relation(columns),
        "sequence": _sequence(columns, unit),
        "survival": _survival(columns),
        "partition": _partition(columns),
        "target": _target(columns),
    }
    for member, suggested in found.items():
        if suggested is not None and member not in answered:
            value, why = suggested
            yield Question(
                answer=f"source.{member}={value}", asks=f"{why} Answer source.{member}={value}?", default="none"
            )


def _relation(columns: Sequence[Column]) -> tuple[str, str] | None:
    """Two columns of one kind, called alike but for a beginning and an end."""
    by_words = {words(column.name): column for column in columns if column.role != "identifier"}
    for told, left in by_words.items():
        for begin, end in zip(_BEGINS, _ENDS, strict=True):
            parts = told.split("_")
            if begin not in parts:
                continue
            right = by_words.get("_".join(end if part == begin else part for part in parts))
            if right is not None and right.domain.kind == left.domain.kind not in {"categorical", "unmeasured"}:
                return f"{left.name} <= {right.name}", f"{left.name} seems never to lie after {right.name}."
    return None


def _sequence(columns: Sequence[Column], unit: str | None) -> tuple[str, str] | None:
    parts = unit_parts(unit or "row")
    order = next((column for column in columns if column.domain.kind in TEMPORAL), None)
    if order is None or parts.rows == 1:
        return None
    return f"{parts.column} {order.name}", f"The rows of one {parts.column} seem to follow each other by {order.name}."


def _survival(columns: Sequence[Column]) -> tuple[str, str] | None:
    event = next((one for one in columns if _EVENT.fullmatch(words(one.name)) and _categories(one) == 2), None)  # noqa: PLR2004
    duration = next(
        (one for one in columns if _DURATION.fullmatch(words(one.name)) and one.domain.kind in {"integer", "number"}),
        None,
    )
    if event is None or duration is None or event.domain.kind != "categorical":
        return None
    occurred = event.domain.categories[-1]
    return f"{event.name} {occurred} {duration.name}", f"{event.name} seems to end the time in {duration.name}."


def _categories(column: Column) -> int:
    return len(column.domain.categories) if column.domain.kind == "categorical" else 0


def _partition(columns: Sequence[Column]) -> tuple[str, str] | None:
    for column in columns:
        if _PARTITION.fullmatch(words(column.name)) and _categories(column) and not column.nullable:
            return column.name, f"Nobody may lie in two {column.name}s, so that each could have a budget of its own."
    return None


def _target(columns: Sequence[Column]) -> tuple[str, str] | None:
    for column in columns:
        if _TARGET.fullmatch(words(column.name)) and column.role != "identifier":
            return column.name, f"{column.name} seems to be what models are to foretell."
    return None
