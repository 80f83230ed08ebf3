"""What a plan will lose, in words and before it is paid: to noise beside the size of the table, to bins, to joining.

A caution refuses nothing. It is made of what is declared and of the number of rows to two figures.
"""

from collections.abc import Iterator, Sequence

from moneyer_generation.generators.protocol import Described, Parameters
from moneyer_shared.contracts.domains import IntegerDomain, NumberDomain, TextDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration

LOUD = 0.01
"""Noise on one count beyond this part of the table is worth a word."""
DROWNED = 0.1
MOST_NAMED = 5


def cautions_of(engine: Described, declaration: SourceDeclaration, parameters: Parameters, rows: int) -> list[str]:
    """What a table by this engine will not keep of a source of about so many rows; nothing where all is well."""
    return [
        *_of_noise(engine, declaration, parameters, rows),
        *_of_parts(engine, declaration),
        *_of_sequences(engine),
        *_of_relations(declaration),
    ]


def _of_noise(engine: Described, declaration: SourceDeclaration, parameters: Parameters, rows: int) -> Iterator[str]:
    noise = engine.noise(declaration, parameters)
    if noise is None or noise < LOUD * rows:
        return
    unit = declaration.privacy_unit
    lost = "Nearly all of the table drowns in it" if noise >= DROWNED * rows else "What few rows have in common is lost"
    advice = "Ask for a larger epsilon, or learn from more rows."
    if unit.maximum_rows > 1:
        advice = (
            f"It is {unit.maximum_rows} times what one row of each {unit.column} would need: before the upload keep a "
            "few rows of each at random, and declare that number as maximum_rows."
        )
    yield (
        f"Noise of about {noise:.3g} rows (one standard deviation) is added to every count, of about {rows} rows in "
        f"all. {lost}. {advice}"
    )


def _of_parts(engine: Described, declaration: SourceDeclaration) -> Iterator[str]:
    names = [column.name for column in declaration.plain.learned if _in_parts(column)]
    if engine.capacity.equal_parts and names:
        yield (
            f"{_named(names)}: learned by their place in equal parts of the declared range (bins), and drawn evenly "
            "within one. A single value that many rows have, such as exactly 0, comes out spread over its part, and "
            "where most rows lie in few parts their differences are lost. Declare the range as narrow as is public and "
            "more bins (1024 at most), or the column as categories."
        )


def _in_parts(column: Column) -> bool:
    match column.domain:
        case IntegerDomain(minimum=low, maximum=high, bins=bins):
            return high - low + 1 > bins
        case NumberDomain():
            return True
        case _:
            return False


def _of_sequences(engine: Described) -> Iterator[str]:
    if engine.needs == "sequence":
        yield (
            "Rows of a sequence come in order and inside the declared range; how far apart they lie, and that no two "
            "lie at one moment, is not kept."
        )


def _of_relations(declaration: SourceDeclaration) -> Iterator[str]:
    names = [column.name for column in declaration.columns if _is_invented(column)]
    if names:
        yield (
            f"{_named(names)}: invented for this table alone. Relations to other tables, and keys of several columns, "
            "are not kept: joining two synthetic tables by them finds pairs that mean nothing."
        )


def _is_invented(column: Column) -> bool:
    return isinstance(column.domain, TextDomain) and column.domain.replacement is not None


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
