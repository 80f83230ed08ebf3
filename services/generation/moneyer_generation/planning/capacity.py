"""Whether an engine carries what a source declares, and about so many rows of it: asked before anything is paid.

Only what is declared, and the number of rows to two figures, is looked at: a refusal tells nothing else of the data.
"""

from moneyer_generation.generators.encoding import TableCodec
from moneyer_generation.generators.protocol import Described
from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.errors import Invalid

FARTHEST = 1e37
"""Numbers beyond are infinite to engines and measures of single precision, or after one addition."""
PLACES_OF_A_NUMBER = 12
"""A number takes its place among as many as ten modes (Xu et al. 2019, "CTGAN"), and a few beside."""
PAIRS_HELD = 4
"""Largest pairs that may be held beside each other."""
BYTES_OF_A_PLACE = 12
"""Of single precision, and a table of places stands about three times in memory while it is learned from."""


def check_capacity(engine: Described, declaration: SourceDeclaration, rows: int, mebibytes: int | None = None) -> None:
    """That the engine can learn from about so many rows of such a source, in so much memory as a job may take.

    Raises:
        Invalid: naming what it cannot, and what to declare or choose instead.
    """
    columns = declaration.plain.learned
    _check_varied(columns)
    for column in columns:
        _check_numbers(engine, column)
    _check_pairs(engine, declaration)
    _check_places(engine, columns, rows, mebibytes)
    if rows < engine.capacity.least_rows:
        raise Invalid(
            f"{engine.name} needs about {engine.capacity.least_rows} rows to learn from, and the newest upload of the "
            "source holds fewer: choose another engine.",
            code="too-few-rows",
        )


def _check_varied(columns: list[Column]) -> None:
    if not any(_varies(column) for column in columns):
        raise Invalid(
            "Every column to learn has a single declared value: the table is known already, and nothing is to be "
            "learned from rows. Declare what the columns may hold.",
            code="nothing-to-learn",
        )


def _varies(column: Column) -> bool:
    match column.domain:
        case CategoricalDomain(categories=categories):
            return column.nullable or len(categories) > 1
        case IntegerDomain(minimum=low, maximum=high):
            return column.nullable or low < high
        case _:
            return True


def _check_numbers(engine: Described, column: Column) -> None:
    domain, most = column.domain, engine.capacity.most_span
    if isinstance(domain, NumberDomain) and max(abs(domain.minimum), abs(domain.maximum)) > FARTHEST:
        raise Invalid(
            f"{column.name} is declared to hold numbers beyond ±{FARTHEST:g}, which no engine and no measure computes "
            "with: declare the range it really has, or a unit in which it is smaller.",
            code="numbers-too-far",
        )
    if isinstance(domain, IntegerDomain) and most is not None and domain.maximum - domain.minimum > most:
        raise Invalid(
            f"{engine.name} holds a place for every whole number (or step of time) of a range, {most} at most, and "
            f"{column.name} is declared with more: choose another engine, or declare a narrower range or "
            "coarser steps.",
            code="too-many-values",
        )


def _check_pairs(engine: Described, declaration: SourceDeclaration) -> None:
    """That counts of pairs of columns fit in memory: of those beside the target, or of any tree over all columns."""
    most, names = engine.capacity.most_pair, [column.name for column in declaration.learned]
    if most is None or len(names) < 2:  # noqa: PLR2004 - a pair
        return
    sizes = dict(zip(names, TableCodec.of(declaration.plain).domain.values(), strict=True))
    by_size = sorted(names, key=lambda name: -sizes[name])
    if engine.capacity.pairs == "target":
        if declaration.target is None:
            return
        by_size = [declaration.target, *(name for name in by_size if name != declaration.target)]
    first, second = by_size[:2]
    others = sum(sizes[name] for name in by_size[1:])
    if sizes[first] * sizes[second] > most or sizes[first] * others > PAIRS_HELD * most:
        raise Invalid(
            f"{engine.name} counts pairs of values, {most} at most of two columns and {PAIRS_HELD * most} in all; "
            f"{first} and {second} have {sizes[first]} and {sizes[second]} declared values. Declare coarser "
            "categories, or leave one of the columns out.",
            code="too-many-values",
        )


def _check_places(engine: Described, columns: list[Column], rows: int, mebibytes: int | None) -> None:
    """That a table in which every category has a place of its own fits in memory."""
    most, by_memory = engine.capacity.most_places, None if mebibytes is None else mebibytes * 2**20 // BYTES_OF_A_PLACE
    if most is None:
        return
    places = {column.name: _places(column) for column in columns}
    most = most if by_memory is None else min(most, by_memory)
    if rows * sum(places.values()) > most:
        widest = max(places, key=lambda name: places[name])
        raise Invalid(
            f"{engine.name} gives every category a place of its own in every row: {sum(places.values())} places, which "
            f"for about so many rows is more memory than a job may take. {widest} takes {places[widest]} of them: "
            "declare coarser categories, or choose an engine that counts (dpmm-mst, dpmm-fixed).",
            code="too-many-values",
        )


def _places(column: Column) -> int:
    own = len(column.domain.categories) if isinstance(column.domain, CategoricalDomain) else PLACES_OF_A_NUMBER
    return own + column.nullable
