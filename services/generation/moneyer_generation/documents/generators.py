"""The catalogue of engines."""

from typing import Any, Literal

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import GuaranteeLevel


class GeneratorCapacity(Document):
    """What an engine carries; null is no limit.

    ``most_columns`` to learn; ``most_pair`` values that two columns have together, of the ``pairs`` it counts;
    ``most_places`` rows times the places a row takes once every category has one; ``most_span`` whole numbers from end
    to end of a column; ``least_rows`` its method needs; ``equal_parts``: numbers are learned by their place in bins.
    """

    most_columns: int
    most_pair: int | None
    pairs: Literal["tree", "target"]
    most_places: int | None
    most_span: int | None
    least_rows: int
    equal_parts: bool


class Generator(Document):
    """An engine, its parameters as JSON Schema, and what its runs earn in general: for the default parameters.

    ``cost`` says in words how long a run on a few thousand rows takes, ``needs`` what a source must declare for it,
    ``conditional`` whether its tables can be shaped, ``capacity`` what it carries: plans beyond it are refused.
    """

    name: str
    version: str
    description: str
    guarantee: GuaranteeLevel
    statement: str
    unit: str
    neighbouring: str
    gaps: list[str]
    cost: str
    needs: Literal["rows", "survival", "sequence", "unmeasured"]
    conditional: bool
    capacity: GeneratorCapacity
    parameters: dict[str, Any]


class WithdrawnGenerator(Document):
    """An engine that was offered once."""

    name: str
    reason: str
