"""One column out of everything that is said of it: a person's word over documents, over standards, over the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from moneyer_shared.contracts.domains import Domain
from moneyer_shared.contracts.drafts import DraftedColumn
from moneyer_shared.contracts.generation import Column, Role
from moneyer_shared.drafting.answers import MEASURED_AS, RANGED, RULES
from moneyer_shared.drafting.facts import ORDERED, Kind, RowsSaid, Said
from moneyer_shared.drafting.roles import is_identifier, replacement_for, role_for
from moneyer_shared.drafting.rules import ruled
from moneyer_shared.drafting.standards import BY_NAME, SPELLINGS, Standard, meant_for
from moneyer_shared.errors import Invalid

OriginKind = Literal["person", "dictionary", "standard", "data"]
WEAKER: dict[str, int] = {"person": 0, "dictionary": 1, "standard": 2, "data": 3}
LONGEST_TEXT, LONGEST_OF_ALL = 200, 10_000
LONGEST_REASON = 500
LONGEST_NUMBER = 400
"""Digits before or after the point; a double has no more."""
LONGEST_LABEL = 4
"""Words."""
_DOMAIN: TypeAdapter[Domain] = TypeAdapter(Domain)


@dataclass(frozen=True)
class Told:
    """What is told of one column: documents in the order in which they count, then the rows if there are any."""

    name: str
    documents: Sequence[tuple[str, Said]]
    rows: RowsSaid | None
    answers: dict[str, str]

    @property
    def seen(self) -> Said | None:
        return self.rows.table.column(self.name) if self.rows else None

    @property
    def kind(self) -> Kind | None:
        """The documents' word, and else the file's; bounds alone are of numbers, whole or not."""
        stated: Kind | None = next((said.kind for _, said in self.documents if said.kind is not None), None)
        bounded = self.documented.minimum is not None and self.documented.maximum is not None
        assumed: Kind | None = "number" if bounded else None
        return stated or (self.seen.kind if self.seen else None) or assumed

    @property
    def documented(self) -> Said:
        """All that documents say, the first one's word first."""
        whole = Said(self.name)
        for _, said in self.documents:
            whole = Said(
                self.name, whole.kind or said.kind, whole.minimum or said.minimum, whole.maximum or said.maximum,
                whole.categories or said.categories, said.nullable if whole.nullable is None else whole.nullable,
                whole.unique or said.unique, said.scale if whole.scale is None else whole.scale,
                whole.longest or said.longest, whole.words or said.words, whole.refers_to or said.refers_to,
                whole.missing or said.missing,
            )  # fmt: skip
        return whole

    @property
    def missing(self) -> list[str]:
        """What is written where a value is missing: a person's word over documents over what the file shows."""
        if "missing" in self.answers:
            return [one for one in _apart(self.answers["missing"]) if one != "none"]
        return list(self.documented.missing or (self.seen.missing if self.seen else ()))

    @property
    def shows_missing(self) -> bool:
        """Whether only the file says that words stand for missing values."""
        return bool(self.missing) and "missing" not in self.answers and not self.documented.missing

    @property
    def said_nothing_of_missing(self) -> bool:
        return not {"required", "nullable"} & self.answers.keys() and self.documented.nullable is None


@dataclass(frozen=True)
class Found:
    """A domain, as the members of its document, with where it comes from and why."""

    members: dict[str, Any]
    origin: OriginKind
    reference: str
    because: str


def draft_column(told: Told) -> DraftedColumn:
    """A column as proposed; without a domain where nobody says one.

    Raises:
        Invalid: a person's own words make no domain.
    """
    identifies = _identifies(told)
    found = _by_person(told) or (_identifier(told, identifies) if identifies else _by_others(told))
    if found is None:
        return DraftedColumn(name=told.name, because=_words(told, "nobody says what it may hold"))
    role, why = _role(told)
    if found.members["kind"] == "text":
        role, why = "identifier", ""
    because = _words(told, found.because, f"{role}: {why}" if why else "")
    members = {
        "name": told.name,
        "nullable": _nullable(told),
        "role": told.answers.get("role", role),
        "missing_values": told.missing if _nullable(told) else [],
        **ruled(found.members, told.answers),
    }
    if found.members["kind"] != "unmeasured":
        members["origin"] = {"kind": found.origin, "reference": found.reference}
    try:
        return DraftedColumn(name=told.name, column=Column.model_validate(members), because=because)
    except ValidationError as error:
        if found.origin == "person" or told.answers.keys() & {"role", *RULES}:
            raise Invalid(
                f"What was answered of {told.name} does not fit: {_first(error)}.", code="answer-unfit"
            ) from None
        return DraftedColumn(
            name=told.name, because=_words(told, found.because, f"but that is no domain: {_first(error)}")
        )


def _role(told: Told) -> tuple[Role, str]:
    """By the column's name, and where that says nothing by its label; sentences speak of too much."""
    role, why = role_for(told.name)
    label = told.documented.words
    if role == "plain" and label and len(label.split()) <= LONGEST_LABEL:
        return role_for(label)[0], "by its label" if role_for(label)[1] else ""
    return role, why


def _first(error: ValidationError) -> str:
    return str(error.errors(include_url=False, include_input=False)[0]["msg"])


def _words(told: Told, *reasons: str) -> list[str]:
    words = told.documented.words
    return [one[:LONGEST_REASON] for one in (words, *reasons) if one]


def _nullable(told: Told) -> bool:
    """Whether values may be missing: what nobody says is not looked up in the rows, for that would tell of them."""
    if "required" in told.answers:
        return False
    return True if "nullable" in told.answers else told.documented.nullable is not False


# --- a person's word ----------------------------------------------------------------------------------


def _by_person(told: Told) -> Found | None:
    answers = told.answers
    for word in RANGED & answers.keys():
        low, _, high = answers[word].partition("..")
        high, _, scale = high.strip().partition(" ")
        said = Said(told.name, word, low.strip() or None, high or None, scale=int(scale) if scale.isdecimal() else None)  # type: ignore[arg-type]
        return Found(_ranged(said), "person", "answered", f"a person says {word} {answers[word]}".strip())
    if "categories" in answers:
        listed = _apart(answers["categories"])
        return Found(_listed(listed), "person", "answered", f"a person lists {len(listed)} categories")
    if "standard" in answers:
        return _of_standard(told, BY_NAME[answers["standard"]], "a person says so")
    if "confirmed" in answers:
        found = _by_others(replace(told, answers={}))
        where = answers["confirmed"]
        return found and Found(found.members, "person", where, f"a person confirms it from {where}")
    if "text" in answers:
        return _identifier(told, "a person says that it is text", answers["text"])
    return _to_be_measured(told) if "unmeasured" in answers else None


def _to_be_measured(told: Told) -> Found | None:
    """As the person says, or of the kind that others say; an identifier, or a day's hours, is nothing to measure."""
    kind, _, scale = told.answers["unmeasured"].partition(" ")
    if not kind and (_identifies(told) or told.kind == "time"):
        return None
    of = kind or (told.kind if told.kind in MEASURED_AS else "category")
    members: dict[str, Any] = {"kind": "unmeasured", "of": of}
    digits = int(scale) if scale else told.documented.scale or (told.seen.scale if told.seen else None)
    if of == "decimal" and digits is not None:
        members["scale"] = digits
    return Found(members, "person", "answered", "a person has it measured under budget")


def _apart(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in words.split("|") if one.strip()))


# --- identifiers --------------------------------------------------------------------------------------


def _identifies(told: Told) -> str | None:
    role = told.answers.get("role")
    if role is not None:
        return "a person says so" if role == "identifier" else None
    return is_identifier(replace(told.documented, name=told.name))


def _identifier(told: Told, why: str, invented: str = "") -> Found:
    longest = told.documented.longest or LONGEST_TEXT
    members = {"kind": "text", "maximum_length": min(max(longest, 1), LONGEST_OF_ALL)}
    replacement = invented or replacement_for(told.name)
    if replacement:
        members["replacement"] = replacement
    origin, reference = _of_the_kind(told)
    return Found(members, origin, reference, f"identifier: {why}; no engine learns from it")


def _of_the_kind(told: Told) -> tuple[OriginKind, str]:
    """Where a column's kind is known from; that a file has such a column is a fact of the file, not of its people."""
    if told.documents:
        return "dictionary", told.documents[0][0]
    return ("dictionary", f"the header of {told.rows.table.reference}") if told.rows else ("person", "answered")


# --- documents, standards, rows -----------------------------------------------------------------------


def _by_others(told: Told) -> Found | None:
    listed = next(((name, said) for name, said in told.documents if said.categories), None)
    if listed is not None:
        categories = _as_spelt(told, listed[1].categories)
        return Found(_listed(categories), "dictionary", listed[0], f"{listed[0]} lists {len(categories)} categories")
    kind = told.kind
    if kind in ORDERED:
        return _within_bounds(told, kind)
    standard = next(iter(_standards(told, kind)), None)
    if standard is not None:
        return _of_standard(told, standard, "by its name")
    seen = told.seen
    if seen is not None and seen.categories:
        reference = told.rows.table.reference if told.rows else ""
        because = f"{len(seen.categories)} categories READ FROM THE ROWS of {reference}"
        return Found(_listed(seen.categories), "data", reference, because)
    return _identifier(told, "free text, with no list of what it may say") if kind == "text" else None


def _within_bounds(told: Told, kind: Kind) -> Found | None:
    """The bounds that the first to say any says, each end by itself; it is as public as the less public of the two."""
    standard = next((one for one in _standards(told, kind) if one.minimum is not None), None)
    speakers: list[tuple[OriginKind, str, Said]] = [("dictionary", *one) for one in told.documents]
    if standard is not None:
        ends = Said(told.name, None, standard.minimum, standard.maximum)
        speakers.append(("standard", f"{standard.name}: {standard.reference}", ends))
    if told.seen is not None and told.rows is not None:
        speakers.append(("data", told.rows.table.reference, told.seen))
    low = next((one for one in speakers if one[2].minimum is not None), None)
    high = next((one for one in speakers if one[2].maximum is not None), None)
    if kind == "time":
        # A day's hours are no secret of anybody.
        origin, reference = _of_the_kind(told)
        return Found({"kind": "time"}, origin, reference, "any time of the day")
    if low is None or high is None:
        return None
    stated = replace(told.documented, kind=kind, minimum=low[2].minimum, maximum=high[2].maximum)
    if stated.scale is None and told.seen is not None:
        stated = replace(stated, scale=told.seen.scale)
    origin, reference, _ = max((low, high), key=lambda one: WEAKER[one[0]])
    return Found(_ranged(stated), origin, reference, _bounds_because(origin, reference, kind, low, high))


def _bounds_because(
    origin: OriginKind, reference: str, kind: Kind, low: tuple[str, str, Said], high: tuple[str, str, Said]
) -> str:
    span = f"{kind} {low[2].minimum}..{high[2].maximum}"
    if origin == "data":
        return f"{span}: bounds READ FROM THE ROWS of {reference}, rounded outward"
    return f"{span}: {reference}"


def _standards(told: Told, kind: Kind | None) -> list[Standard]:
    """Those the column may follow: all its values, if its rows are at hand, or the only one that has its name."""
    asked: Kind | None = "text" if kind == "categorical" else kind
    found = list(meant_for(told.name, asked))
    if told.rows is not None:
        return [one for one in found if _holds(told, told.rows, one)]
    lists = [one for one in found if one.categories]
    return [one for one in found if not one.categories] + (lists if len(lists) == 1 else [])


def _holds(told: Told, rows: RowsSaid, standard: Standard) -> bool:
    """Whether every value of the rows lies within a standard."""
    if standard.categories:
        return bool(rows.values.get(told.name)) and rows.values[told.name] <= set(standard.categories)
    ends = rows.ends.get(told.name)
    if ends is None:
        return told.name not in rows.values
    low, high = _comparable(standard.minimum), _comparable(standard.maximum)
    try:
        return bool(low <= _comparable(ends[0]) and _comparable(ends[1]) <= high)
    except TypeError:
        return False


def _comparable(text: str | None) -> Any:
    """A number where it is written as one; a few letters may else state one of a billion digits."""
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return text
    return number if number.is_finite() and abs(number.adjusted()) < LONGEST_NUMBER else text


def _of_standard(told: Told, standard: Standard, why: str) -> Found:
    reference = f"{standard.name}: {standard.reference}"
    kind = told.kind
    if standard.categories:
        members = _listed(standard.categories)
    else:
        wanted: Kind = kind if kind in ORDERED else "integer"
        ends = replace(told.documented, kind=wanted, minimum=standard.minimum, maximum=standard.maximum)
        members = _ranged(ends)
    return Found(members, "standard", reference, f"{why}, {reference}")


def _as_spelt(told: Told, categories: tuple[str, ...]) -> tuple[str, ...]:
    """Truth and falsehood as the rows write them; all else as the document does."""
    values = told.rows.values.get(told.name) if told.rows else None
    if not values or categories not in SPELLINGS or values <= set(categories):
        return categories
    return next((one for one in SPELLINGS if values <= set(one)), categories)


# --- the members of a domain --------------------------------------------------------------------------


def _listed(categories: Sequence[str]) -> dict[str, Any]:
    return {"kind": "categorical", "categories": list(categories)}


def _ranged(said: Said) -> dict[str, Any]:
    """A domain with bounds. What makes none is left as it is: the document refuses it, and says why."""
    kind, low, high = said.kind, said.minimum, said.maximum
    if kind == "time" and low is None and high is None:
        return {"kind": "time"}
    members: dict[str, Any] = {"kind": kind, "minimum": low, "maximum": high}
    if kind == "integer":
        return members | {name: _whole(members[name]) for name in ("minimum", "maximum")}
    if kind == "number":
        return members | {name: _float(members[name]) for name in ("minimum", "maximum")}
    if kind == "decimal":
        plain = {name: _plain(members[name]) for name in ("minimum", "maximum")}
        return members | plain | ({"scale": said.scale} if said.scale is not None else {})
    if kind == "timestamp":
        return members | {name: (members[name] or "").removesuffix("Z") for name in ("minimum", "maximum")}
    return members


def _whole(text: str | None) -> int | str | None:
    number = _comparable(text)
    return int(number) if isinstance(number, Decimal) and number == int(number) else text


def _float(text: str | None) -> float | str | None:
    number = _comparable(text)
    return float(number) if isinstance(number, Decimal) else text


def _plain(text: str | None) -> str | None:
    number = _comparable(text)
    return f"{number:f}" if isinstance(number, Decimal) else text
