"""The tables that runs make, and how they came out."""

from typing import Literal

from pydantic import Field

from moneyer_generation.rules.disclosure import disclosed_asset
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.generation import Delivered


class StratumMade(Document):
    """What was asked of a stratum and what was made; ``share_of_model`` is its share in the model's own rows."""

    name: str
    asked: int
    made: int
    share_of_model: float


class RuleKept(Document):
    """A rule of suppression and the worst group of the rows kept."""

    columns: list[str]
    least_rows: int
    least_values: int | None
    smallest_group: int
    fewest_values: int | None


class LeftOut(Document):
    """Rows left out because too few were like them: of the source before learning, or of what the model made.

    Counts of real rows are shown to two figures, and of their worst group what the rule demands.
    """

    of: Literal["output", "input"]
    rows_seen: int
    rows_left_out: int
    rules: list[RuleKept]


class Blended(Document):
    """The real rows in a table; their strata's shares are shown in steps of a twentieth."""

    real_rows: int
    strata: list[StratumMade]
    suppression: list[LeftOut]


class MadeWith(Document):
    """Python, machine and libraries; ``digest`` covers every installed distribution."""

    python: str
    machine: str
    libraries: dict[str, str]
    digest: str


class AssetFile(Document):
    """The sealed table: its size, the digest of its sealed bytes, how it came out, and what it was made with.

    ``delivered`` is of the bytes that a holder of a grant gets. It is told once the table is released: a digest of a
    short table can be guessed at. A table of before such digests were taken has none.
    """

    rows: int
    bytes: int
    digest: str
    object: str
    strata: list[StratumMade] = Field(default_factory=list[StratumMade])
    suppression: list[LeftOut] = Field(default_factory=list[LeftOut])
    blend: Blended | None = None
    environment: MadeWith | None = None
    delivered: Delivered | None = None

    @property
    def disclosed(self) -> "AssetFile":
        """As callers see it: what was counted among real rows made rough."""
        return AssetFile.model_validate(disclosed_asset(self.model_dump(mode="json")))

    def disclosed_when(self, *, released: bool) -> "AssetFile":
        """As callers see it while it is released, or not yet."""
        return self.disclosed if released else self.disclosed.model_copy(update={"delivered": None})
