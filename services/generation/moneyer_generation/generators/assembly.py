"""The table a plan asks for, from a fitted model: shaped, without rare rows, with real ones among them."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from moneyer_generation.generators import blending
from moneyer_generation.generators.dressing import plain_shape
from moneyer_generation.generators.protocol import Fitted
from moneyer_generation.generators.shaping import ShapeUnreachable, shaped
from moneyer_generation.generators.suppression import of_exactly, rules_of
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.shape import Blend, Shape, Suppression

Report = dict[str, Any]
ReadReal = Callable[[], pa.Table]


@dataclass(frozen=True)
class Asked:
    """What a plan says of the table itself, ends of ranges in the steps of their columns."""

    declaration: SourceDeclaration
    rows: int
    seed: int | None
    shape: Shape | None = None
    suppression: Suppression | None = None
    blend: Blend | None = None

    @classmethod
    def of(cls, job: Mapping[str, Any], declaration: SourceDeclaration) -> "Asked":
        def read(model: type[Any], name: str) -> Any:
            return model.model_validate(job[name]) if job.get(name) is not None else None

        shape, blend = read(Shape, "shape"), read(Blend, "blend")
        if blend is not None and blend.shape is not None:
            blend = blend.model_copy(update={"shape": plain_shape(blend.shape, declaration)})
        return cls(
            declaration,
            job["rows"],
            job["seed"],
            plain_shape(shape, declaration) if shape is not None else None,
            read(Suppression, "suppression"),
            blend,
        )


def assemble(fitted: Fitted, asked: Asked, read_real: ReadReal) -> tuple[pa.Table, Report]:
    """The table in plain columns, exactly as long as asked, and a report of what was asked and made.

    Raises:
        ShapeUnreachable: the model, or the source where real rows are asked for, holds too few such rows.
    """
    if asked.blend is None:
        return _chosen(fitted, asked.shape, asked.rows, asked)
    real_rows = blending.real_rows(asked.rows, asked.blend)
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    real = blending.RealRows(read_real(), [seed, 1])
    try:
        taken, of_real = _chosen(real, asked.blend.shape, real_rows, asked)
    except ShapeUnreachable:
        # The reason counts the rows it tried, and these are people.
        raise ShapeUnreachable(blending.TOO_FEW) from None
    made, report = _chosen(fitted, asked.shape, asked.rows - real_rows, asked)
    report["blend"] = {"real_rows": real_rows, "strata": of_real["strata"], "suppression": of_real["suppression"]}
    return blending.mixed(taken, made, asked.blend, seed), report


def _chosen(model: Fitted, shape: Shape | None, rows: int, asked: Asked) -> tuple[pa.Table, Report]:
    """So many rows of a model in a shape, none of them rare."""
    if asked.suppression is None or asked.suppression.of == "input":
        table, strata = _drawn(model, shape, rows, asked.seed)
        return table, {"strata": strata, "suppression": []}
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed

    def draw(size: int, number: int) -> pa.Table:
        return _drawn(model, shape, size, (seed + number) % 2**32)[0]

    table, left_out = of_exactly(draw, rows, rules_of(asked.suppression, asked.declaration), [seed, 3])
    # Conditions without strata are met by every row: there is nothing to report of shares.
    return table, {"strata": [], "suppression": [left_out]}


def _drawn(model: Fitted, shape: Shape | None, rows: int, seed: int | None) -> tuple[pa.Table, list[dict[str, Any]]]:
    if shape is None:
        return model.sample(rows, seed), []
    return shaped(model, rows, seed, shape)
