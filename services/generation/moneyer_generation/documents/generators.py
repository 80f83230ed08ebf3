"""The catalogue of engines."""

from typing import Any, Literal

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import GuaranteeLevel


class Generator(Document):
    """An engine, its parameters as JSON Schema, and what its runs earn in general: for the default parameters.

    ``cost`` says in words how long a run on a few thousand rows takes, ``needs`` what a source must declare for it,
    ``conditional`` whether its tables can be shaped.
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
    parameters: dict[str, Any]


class WithdrawnGenerator(Document):
    """An engine that was offered once."""

    name: str
    reason: str
