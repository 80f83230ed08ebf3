"""A person's words: one line an answer, for one column, for many by pattern, or for the source as a whole.

``PATTERN=integer 0..120`` · ``number 0..1000`` · ``decimal 0..5000 2`` · ``date 2000-01-01..2030-12-31`` · ``time``
· ``timestamp …`` · ``categories a|b|c`` · ``standard country-2`` · ``confirmed WHERE IT IS DOCUMENTED`` · ``text``
· ``text email`` · ``unmeasured`` or ``unmeasured decimal 2``, to be measured under budget · ``outside nearest``
· ``outside null`` · ``unlisted other`` · ``unlisted null`` · ``missing ?|NA`` or ``missing none``
· ``role sensitive`` · ``required`` · ``nullable`` · ``drop``; several apart by ``;``.
``source.unit=customer_id 100`` and the other members of ``SOURCE`` are for the source as a whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from moneyer_shared.drafting.standards import BY_NAME
from moneyer_shared.errors import Invalid

SOURCE = ("name", "description", "population", "unit", "target", "partition", "sequence", "survival", "constraint")
RANGED = {"integer", "number", "decimal", "date", "timestamp", "time"}
BARE = {"required", "nullable", "drop"}
RULES = {"outside", "unlisted"}
"""Words for what becomes of values that a domain does not hold."""
DOMAINS = {*RANGED, "categories", "standard", "text", "confirmed", "unmeasured"}
"""Words for what a column may hold: the last of them counts."""
WORDS = {*DOMAINS, *BARE, *RULES, "role", "missing"}
MEASURED_AS = {"integer", "number", "decimal", "date", "timestamp", "category"}


@dataclass(frozen=True)
class Answers:
    """Answers for columns by pattern, in the order they were given, and for the source by member."""

    columns: Sequence[tuple[str, str, str]] = ()
    """(pattern, first word, rest)."""
    source: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])

    def of(self, name: str) -> dict[str, str]:
        """What was said of a column, by first word; the last word on a thing counts."""
        found: dict[str, str] = {}
        for pattern, word, rest in self.columns:
            if fnmatchcase(name, pattern):
                if word in DOMAINS:
                    found = {key: value for key, value in found.items() if key not in DOMAINS}
                found[word] = rest
        return found

    def last(self, member: str) -> str | None:
        return self.source[member][-1] if member in self.source else None


def read_answers(lines: Iterable[str]) -> Answers:
    """Answers out of lines; blank ones and those that begin with # are left out.

    Raises:
        Invalid: naming the line that is no answer, and what an answer is.
    """
    columns: list[tuple[str, str, str]] = []
    source: dict[str, list[str]] = {}
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        subject, sign, said = line.partition("=")
        subject, said = subject.strip(), said.strip()
        if not sign or not subject or not said:
            raise _no_answer(line, "it is written as in LB*=number 0..1000")
        member = subject.removeprefix("source.")
        if subject.startswith("source.") and member in SOURCE:
            source.setdefault(member, []).append(said)
        else:
            columns += [(subject, *_part(line, part)) for part in map(str.strip, said.split(";")) if part]
    return Answers(columns, source)


def _part(line: str, part: str) -> tuple[str, str]:
    word, _, rest = part.partition(" ")
    if word not in WORDS:
        raise _no_answer(line, f"it begins with one of {', '.join(sorted(WORDS))}")
    if word in {"integer", "number", "decimal", "date", "timestamp"} and ".." not in rest:
        raise _no_answer(line, f"a range is written as in {word} LEAST..MOST")
    if word == "standard" and rest.strip() not in BY_NAME:
        raise _no_answer(line, f"the standards are {', '.join(BY_NAME)}")
    if word == "unmeasured" and rest and not _is_measured_as(rest):
        raise _no_answer(line, f"unmeasured is followed by nothing or by one of {', '.join(sorted(MEASURED_AS))}")
    if word == "outside" and rest.strip() not in {"refuse", "nearest", "null"}:
        raise _no_answer(line, "outside is followed by refuse, nearest or null")
    if word in {"categories", "confirmed", "role", "unlisted", "missing"} and not rest.strip():
        raise _no_answer(line, f"{word} is followed by what it is")
    return word, rest.strip()


def _is_measured_as(rest: str) -> bool:
    """A kind, and of a decimal how many digits follow its point."""
    kind, _, scale = rest.strip().partition(" ")
    return kind in MEASURED_AS and (not scale or (kind == "decimal" and scale.isdecimal() and len(scale) == 1))


def _no_answer(line: str, why: str) -> Invalid:
    return Invalid(f"No answer: {line[:100]!r}; {why}.", code="answer-unreadable")
