"""What becomes of an asset after its table was made, and what it is at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

AssetState = Literal["released", "rejected", "suspended", "withdrawn", "retired"]
STATES: Mapping[str, AssetState] = {
    "released": "released",
    "rejected": "rejected",
    "suspended": "suspended",
    "resumed": "released",
    "withdrawn": "withdrawn",
    "substituted": "withdrawn",
    "retired": "retired",
}
"""What an asset is after each change."""
ANNOUNCED = frozenset({"suspended", "resumed", "withdrawn", "substituted", "retired"})
"""Changes that whoever built on the asset is told of."""
RECALLED = frozenset({"suspended", "withdrawn", "retired"})
"""What an asset is when nothing new should be built on it."""

FINAL: tuple[AssetState, ...] = ("retired", "withdrawn")
"""What an asset stays, the heavier first."""


def is_change(said: str) -> bool:
    return said in STATES


@dataclass(frozen=True)
class AssetChange:
    """A change; ``substitute`` is the asset to use instead."""

    asset_id: str
    at: datetime
    change: str
    because: str | None = None
    substitute: str | None = None

    @property
    def state(self) -> AssetState:
        return STATES[self.change]


@dataclass(frozen=True)
class Standing:
    """What an asset is, the change that made it so, and what to use instead."""

    change: AssetChange
    substitute: str | None

    @property
    def state(self) -> AssetState:
        return self.change.state


def standing(changes: Sequence[AssetChange]) -> Standing:
    """What an asset is after these changes, oldest first: what ended it for good outlasts whatever came after."""
    latest = reversed(changes)
    ended = sorted((one for one in latest if one.state in FINAL), key=lambda one: FINAL.index(one.state))
    substitutes = [one.substitute for one in changes if one.substitute]
    return Standing(ended[0] if ended else changes[-1], substitutes[-1] if substitutes else None)
