"""From what a caller says to what engines see, and from what engines make to what a caller gets."""

import hashlib
import uuid
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from moneyer_shared.contracts.domains import ExactDomain, TextDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.shape import Condition, Shape
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema, from_steps


def plain_shape(shape: Shape, declaration: SourceDeclaration) -> Shape:
    """The shape with every end of a range in the steps of its column.

    Raises:
        Invalid: an end that is no value of its column's kind.
    """
    columns = {column.name: column for column in declaration.columns}

    def plain(conditions: Sequence[Condition]) -> list[Condition]:
        return [_plain_condition(condition, columns.get(condition.column)) for condition in conditions]

    strata = [stratum.model_copy(update={"where": plain(stratum.where)}) for stratum in shape.strata]
    return shape.model_copy(update={"where": plain(shape.where), "strata": strata})


def _plain_condition(condition: Condition, column: Column | None) -> Condition:
    domain = column.domain if column is not None else None
    ends = {name: end for name in ("minimum", "maximum") if (end := getattr(condition, name)) is not None}
    try:
        if isinstance(domain, ExactDomain):
            return condition.model_copy(update={name: str(domain.steps(end)) for name, end in ends.items()})
        for end in ends.values():
            float(end)
    except ValueError:
        kind = domain.kind if domain is not None else "number"
        raise Invalid(
            f"The ends of a range of {condition.column} must be a {kind} each.", code="condition-kind"
        ) from None
    return condition


def dress(table: pa.Table, declaration: SourceDeclaration, seed: int | None, provenance: str | None = None) -> pa.Table:
    """A table that an engine made, as its reader expects it: exact values in their own types, invented texts.

    Shape (n, columns made), in the declared order; the column of where a row comes from is last, if there is one.
    """
    # Two sources' tables of one seed have nothing to do with each other, and look it.
    words = [0 if seed is None else seed, int.from_bytes(hashlib.sha256(declaration.name.encode()).digest()[:8], "big")]
    arrays = [
        _texts(table, column.name, column.domain, [*words, i])
        if isinstance(column.domain, TextDomain)
        else from_steps(table[column.name], column.domain)
        for i, column in enumerate(declaration.made)
    ]
    dressed = pa.Table.from_arrays(arrays, schema=arrow_schema(declaration.made))
    if provenance is None:
        return dressed
    return dressed.append_column(table.schema.field(provenance), table[provenance])


def _texts(table: pa.Table, name: str, domain: TextDomain, seed: Sequence[int]) -> pa.Array:
    """A text for each row, or, where the engine made sequences, for each of those."""
    if name not in table.column_names:
        return invented(domain, table.num_rows, seed)
    numbers = table[name].combine_chunks().dictionary_encode()
    return invented(domain, len(numbers.dictionary), seed).take(numbers.indices)


def invented(domain: TextDomain, rows: int, seed: Sequence[int]) -> pa.Array:
    """Texts that nothing was learned for. A number or uuid comes once; a name may be somebody's by coincidence."""
    random = np.random.default_rng(seed)
    if domain.replacement == "number":
        width = max(min(9, domain.maximum_length), len(str(rows)))
        begin = int(random.integers(10**width - rows))
        return pa.array([f"{begin + number:0{width}}" for number in random.permutation(rows)], pa.string())
    if domain.replacement == "uuid":
        drawn = random.bytes(16 * rows)
        return pa.array([str(uuid.UUID(bytes=drawn[i : i + 16], version=4)) for i in range(0, 16 * rows, 16)])
    invent = _inventor(str(domain.replacement), int(random.integers(2**32)))
    return pa.array([invent()[: domain.maximum_length] for _ in range(rows)], pa.string())


def _inventor(replacement: str, seed: int) -> Callable[[], str]:
    from faker import Faker

    faker = Faker(use_weighting=False)
    faker.seed_instance(seed)
    invent: Callable[[], str] = {
        "name": faker.name,
        "email": faker.safe_email,
        "phone": faker.phone_number,
        "address": lambda: faker.address().replace("\n", ", "),
        "company": faker.company,
    }[replacement]
    return invent
