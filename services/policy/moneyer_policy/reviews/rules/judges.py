"""Who decides on a matter, and who must not: said by whoever knows, asked by every review."""

from dataclasses import dataclass

from moneyer_policy.reviews.rules.quorum import Quorum


@dataclass(frozen=True)
class Judges:
    """What a matter takes, whom it bars and whom only from a yes, and who is told when it waits too long."""

    quorum: Quorum
    barred: frozenset[str]
    named: frozenset[str]
    escalation: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Interests:
    """Who is interested in a matter, and whom only later keys of its sources name: no vote of the house said so."""

    barred: frozenset[str]
    named: frozenset[str]
