"""Kinds of review: each is one entry, and what the committee is asked about one follows from it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from moneyer_policy.reviews.rules.quorum import Stage
from moneyer_policy.reviews.use_cases.reviews import Decided, Matter

Conclude = Callable[[Decided], Awaitable[Mapping[str, object]]]


def its_charter(matter: Matter) -> tuple[UUID, ...]:
    """The charter a matter was put up under, if any."""
    return (matter.charter_id,) if matter.charter_id is not None else ()


def no_other_rule(_: Matter) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Kind:
    """One kind of matter that is put up for votes.

    Attributes:
        name: in addresses, documents and the log.
        floor: what the house asks from its first start on, before anybody sets a rule; rules and charters add to it.
        a_no_withholds: whether a rejection gives nobody anything, so that whom only the proposal names may say no; of
            other kinds it may keep something as its owner likes it.
        conclude: what follows from a decided review, in the transaction of the deciding vote; returns what is kept as
            its outcome.
        charters: the charters whose versions in force say who decides, and whose people do not.
        also: further kinds whose rules of the house such a matter must meet.
    """

    name: str
    floor: Stage
    a_no_withholds: bool
    conclude: Conclude
    charters: Callable[[Matter], tuple[UUID, ...]] = its_charter
    also: Callable[[Matter], tuple[str, ...]] = no_other_rule


def registry(kinds: Iterable[Kind]) -> Mapping[str, Kind]:
    """Kinds of review by their names.

    Raises:
        ValueError: two have one name.
    """
    found: dict[str, Kind] = {}
    for kind in kinds:
        if found.setdefault(kind.name, kind) is not kind:
            message = f"two kinds of review are called {kind.name}"
            raise ValueError(message)
    return found
