"""Names of things whose ids a document holds; one that is not known is told by the beginning of its id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moneyer_console.views.words import short_id


@dataclass(frozen=True)
class Names:
    """What charters, sources and populations are called."""

    charters: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    populations: Mapping[str, str] = field(default_factory=dict[str, str])

    def charter(self, told: str) -> str:
        return self.charters.get(told) or f"charter {short_id(told)}"

    def source(self, told: str) -> str:
        return self.sources.get(told) or f"source {short_id(told)}"

    def population(self, told: str) -> str:
        return self.populations.get(told) or f"population {short_id(told)}"


def titles_of(charters: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {one["id"]: one["document"].get("title", "") for one in charters}


def names_of(things: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {one["id"]: one["name"] for one in things}
