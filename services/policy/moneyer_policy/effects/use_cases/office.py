"""What effects ask of the office besides: what to do once a matter is decided, by its kind."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases.office import Office as OfficeOfAssets
from moneyer_policy.reviews.rules.review import Review


class Office(OfficeOfAssets, Protocol):
    """Who knows what follows from each kind of matter, also from those of later wings."""

    @property
    def kinds(self) -> Mapping[str, "Conclude"]: ...


@dataclass(frozen=True)
class Decided:
    """A review that is over, and the transaction in which what follows from it is done."""

    office: Office
    connection: AsyncConnection
    row: Any
    review: Review
    state: str
    now: datetime

    @property
    def approved(self) -> bool:
        return self.state == "approved"


Conclude = Callable[[Decided], Awaitable[Mapping[str, Any]]]
