"""Two versions of a document side by side, section by section."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from moneyer_console.views.facts import lines_of
from moneyer_console.views.words import plainly

Kind = Literal["same", "added", "removed", "changed"]


@dataclass(frozen=True)
class Line:
    """A line of both versions, or of one; the other is None then."""

    before: str | None
    after: str | None

    @property
    def kind(self) -> Kind:
        if self.before == self.after:
            return "same"
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True)
class Change:
    """A section of a document in both versions."""

    name: str
    lines: tuple[Line, ...]

    @property
    def is_changed(self) -> bool:
        return any(line.kind != "same" for line in self.lines)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every section of either version, in the order of the later one; of a first version all is added."""
    names = [*after, *(name for name in before if name not in after)]
    return [Change(plainly(name), tuple(_lines(_told(before, name), _told(after, name)))) for name in names]


def _told(document: Mapping[str, Any], name: str) -> list[str]:
    return lines_of(document[name]) if name in document else []


def _lines(before: list[str], after: list[str]) -> list[Line]:
    """The lines of both beside each other, by the longest runs they share."""
    made: list[Line] = []
    for what, i, j, k, m in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        left, right = before[i:j], after[k:m]
        if what == "equal":
            made += [Line(text, text) for text in left]
            continue
        longest = max(len(left), len(right))
        made += [Line(_at(left, n), _at(right, n)) for n in range(longest)]
    return made


def _at(lines: list[str], number: int) -> str | None:
    return lines[number] if number < len(lines) else None
