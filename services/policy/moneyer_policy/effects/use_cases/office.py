"""What effects ask of the office besides: what to do once a matter is decided, by its kind."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from moneyer_policy.assets.use_cases.office import Office as OfficeOfAssets
from moneyer_policy.reviews.use_cases.reviews import Decided


class Office(OfficeOfAssets, Protocol):
    """Who knows what follows from each kind of matter, also from those of later wings."""

    @property
    def kinds(self) -> Mapping[str, "Conclude"]: ...


Conclude = Callable[[Decided], Awaitable[Mapping[str, Any]]]
