"""What verifying a bundle came to."""

import re
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from moneyer.evidence.documents import Place

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Verdict = Literal["proven", "not proven", "contradicted"]


@dataclass(frozen=True)
class Checked:
    """What was found of one item: ``values`` of it are proven, or are not, or what contradicts it."""

    item: str
    verdict: Verdict
    said: str
    values: int = 0


@dataclass(frozen=True)
class Report:
    """Every value of a bundle is proven, not proven, or in an item that is contradicted."""

    proven: AbstractSet[Place]
    unproven: AbstractSet[Place]
    notes: tuple[Checked, ...]
    """What was found of what is no value of a document, and every contradiction."""

    @property
    def contradicted(self) -> list[Checked]:
        return [note for note in self.notes if note.verdict == "contradicted"]

    @property
    def holds(self) -> bool:
        """Nothing is contradicted, and something is proven."""
        return bool(self.proven) and not self.contradicted

    def lines(self) -> list[Checked]:
        """All of it in order: proven by item, not proven by place, contradictions last."""
        counted = Counter(str(place[0]) for place in self.proven)
        good = [Checked(item, "proven", "compared with the log", count) for item, count in sorted(counted.items())]
        open_ = Counter(pattern(place) for place in self.unproven)
        doubtful = [
            Checked(item, "not proven", f"{inside or 'all of it'}: no log entry speaks of it", count)
            for (item, inside), count in sorted(open_.items())
        ]
        noted = sorted(self.notes, key=lambda note: ("proven", "not proven", "contradicted").index(note.verdict))
        return [*good, *doubtful, *noted]

    @property
    def unproven_count(self) -> int:
        return len(self.unproven) + sum(note.verdict == "not proven" for note in self.notes)

    def summary(self) -> str:
        return (
            f"{len(self.proven)} values are proven, {self.unproven_count} are not, "
            f"and {len(self.contradicted)} checks are contradicted"
        )


def pattern(place: Place) -> tuple[str, str]:
    """An item, and a place in it whatever the position in a list and the ids in names: ``votes[].reason``."""
    inside = "".join("[]" if isinstance(part, int) else f".{ID.sub('*', part)}" for part in place[1:])
    return str(place[0]), inside.removeprefix(".")
