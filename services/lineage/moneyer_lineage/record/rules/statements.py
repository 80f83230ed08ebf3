"""Who said what, and whose word counts: folded to the same whatever order it comes in.

Everything known of a run, job or dataset is a set of registers, each holding one **word**: who said it, and its rank.
Of two words the one of the higher rank stays, or of the lower where the first word counts. A rank is the event's own
time, then how final its type is, then the event's digest: no two events share one, and none says when it was heard. So
folding is commutative, associative and idempotent.

Words lie in **layers**, and no layer touches another. What services of the house say is one; whatever else is said of
jobs and datasets is another, for many tell of one table; of runs each teller has a layer, for a run is one teller's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from moneyer_shared.records import facets_of, run_id_of

Event = Mapping[str, Any]
HEAVIER = {"COMPLETE": 1, "ABORT": 2, "FAIL": 3}
"""Of two events of one time an end outranks what goes on, and of two ends the one that promises less."""
EARLIEST = frozenset({"first", "job", "started"})
"""Registers in which the first word counts: a run is its first event's job, and began when it was first said to."""
HOUSE, OTHERS = "house", "others"
OURS = "moneyer"
_TIME = len("0100-01-01T00:00:00.000000+00:00")


def is_ours(namespace: str) -> bool:
    """Whether the house alone may say what things of this namespace are."""
    return namespace == OURS or namespace.startswith(f"{OURS}.")


class Statement(NamedTuple):
    """What a register holds: the rank of the event that said it, who told that event, and what it said."""

    rank: str
    by: str | None
    value: Any = None

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.rank[:_TIME])


Layer = dict[str, Statement]
Layers = dict[str, Layer]


@dataclass(frozen=True)
class HeardEvent:
    """An event, its time and digest, and who told it; ``vouched`` if that was a service of the house."""

    event: Event
    at: datetime
    digest: str
    by: str | None
    vouched: bool

    @property
    def run_id(self) -> str | None:
        return run_id_of((self.event.get("run") or {}).get("runId"))

    @property
    def parent_run_id(self) -> str | None:
        parent = facets_of(self.event.get("run") or {}).get("parent", {}).get("run")
        return run_id_of(parent.get("runId")) if isinstance(parent, dict) else None

    @property
    def rank(self) -> str:
        time = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return f"{time} {HEAVIER.get(self.event.get('eventType') or '', 0)} {self.digest[:32]}"

    @property
    def layer(self) -> str:
        """Where words on a job or dataset lie."""
        return HOUSE if self.vouched else OTHERS

    @property
    def party(self) -> str:
        """Where words on a run lie: with all that its teller says of it."""
        return HOUSE if self.vouched else f"by {self.by or ''}"

    def says(self, value: Any = None) -> Statement:
        return Statement(self.rank, self.by, value)


def _counts(register: str, one: Statement, other: Statement) -> Statement:
    pick = min if register in EARLIEST else max
    return pick(one, other, key=lambda word: (word.rank, word.by or ""))


def join_layer(one: Mapping[str, Statement], other: Mapping[str, Statement]) -> Layer:
    """All that two layers say, in each register the word that counts."""
    both = dict(one)
    for register, word in other.items():
        both[register] = _counts(register, both[register], word) if register in both else word
    return both


def join(one: Mapping[str, Layer], other: Mapping[str, Layer]) -> Layers:
    """The same of every layer."""
    return {name: join_layer(one.get(name, {}), other.get(name, {})) for name in (*one, *(other.keys() - one.keys()))}


def layers_of(kept: Mapping[str, Mapping[str, Any]]) -> Layers:
    """Layers as they were kept in JSON; what is no word there is left out, so that it breaks no listing."""
    return {
        name: {register: Statement(*word) for register, word in layer.items() if _is_word(word)}
        for name, layer in kept.items()
    }


def _is_word(kept: object) -> bool:
    return isinstance(kept, list) and len(kept) == len(Statement._fields) and isinstance(kept[0], str)


def tellers(words: Iterable[Statement]) -> list[str]:
    """Who told these; what was kept before tellers were has nobody's name."""
    return sorted({word.by for word in words if word.by is not None})
