"""A table as a library's own: every column as its asset's schema declares it.

pyarrow, pandas and polars are brought in when they are asked for.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self

from moneyer.calls.generation import Form

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl  # pyright: ignore[reportMissingImports]
    import pyarrow as pa

Json = Mapping[str, Any]
SUFFIXES: Mapping[str, Form] = {".parquet": "parquet", ".arrow": "arrow", ".csv": "csv"}


@dataclass(frozen=True)
class Declared:
    """What an asset's schema says: its fields (Frictionless), and the digests of what is handed out."""

    fields: Sequence[Json]
    digests: Mapping[str, str]

    @classmethod
    def of(cls, package: Json) -> Self:
        """Of a data package as ``GET /v1/assets/{id}/schema`` gives it."""
        resources = package["resources"]
        fields = next(one["schema"]["fields"] for one in resources if "schema" in one)
        digests = {one["format"]: one["hash"].removeprefix("sha256:") for one in resources if "hash" in one}
        return cls(fields, digests)

    def categories(self) -> dict[str, list[str]]:
        """Of each categorical column, all of them, whether a row has them or not."""
        return {one["name"]: one["constraints"]["enum"] for one in self.fields if "enum" in one["constraints"]}

    def nullable_integers(self) -> set[str]:
        return {
            one["name"] for one in self.fields if one["type"] == "integer" and not one["constraints"].get("required")
        }


def form_of(path: Path) -> Form:
    """The form that a path's suffix names.

    Raises:
        ValueError: it names none.
    """
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise ValueError(f"{path.name} must end in one of {', '.join(SUFFIXES)}")
    return form


@contextmanager
def placed(path: Path) -> Generator[IO[bytes]]:
    """A file that is at its path once all of it has come, and leaves nothing where it has not."""
    with NamedTemporaryFile("w+b", dir=path.parent, prefix=f".{path.name}.", delete=False) as coming:
        try:
            yield coming
        except BaseException:
            Path(coming.name).unlink(missing_ok=True)
            raise
    Path(coming.name).replace(path)


def arrow_table(content: BytesIO, declared: Declared) -> "pa.Table":
    """An Arrow stream as a table; categorical columns are dictionaries of all declared categories."""
    import pyarrow as pa
    import pyarrow.ipc

    table = pyarrow.ipc.open_stream(content).read_all()
    for name, categories in declared.categories().items():
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        column = _as_dictionary(table.column(place), categories)
        table = table.set_column(place, pa.field(name, column.type, nullable=field.nullable), column)
    return table


def _as_dictionary(column: Any, categories: list[str]) -> Any:
    """The same texts as places in the list of categories.

    Raises:
        ValueError: a text is none of them.
    """
    import pyarrow as pa
    import pyarrow.compute

    compute: Any = pyarrow.compute
    listed = pa.array(categories, pa.string())
    places = compute.index_in(column, value_set=listed).combine_chunks()
    if places.null_count != column.null_count:
        raise ValueError("a text is none of the declared categories")
    return pa.chunked_array([pa.DictionaryArray.from_arrays(places, listed)])


def pandas_frame(table: "pa.Table", declared: Declared) -> "pd.DataFrame":
    """Categories as ``category``, whole numbers that may be missing as ``Int64``, decimals and dates as objects."""
    import pandas as pd

    whole = {name: pd.Int64Dtype() for name in declared.nullable_integers()}
    columns = {
        name: table.column(name).to_pandas(types_mapper={table.schema.field(name).type: whole[name]}.get)
        if name in whole
        else table.column(name).to_pandas()
        for name in table.column_names
    }
    return pd.DataFrame(columns, columns=table.column_names)


def polars_frame(table: "pa.Table", declared: Declared) -> "pl.DataFrame":
    """Categories as ``Enum`` of all that are declared; everything else as Arrow has it."""
    import polars as pl  # pyright: ignore[reportMissingImports]

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    listed = declared.categories().items()
    return frame.with_columns([pl.col(name).cast(pl.String).cast(pl.Enum(all_)) for name, all_ in listed])
