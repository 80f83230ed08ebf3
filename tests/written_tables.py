"""Tables in every format, and what is made of them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.errors import MoneyerError
from moneyer_shared.intake.header import Limits
from moneyer_shared.intake.uploads import ARROW_FILE, ARROW_STREAM, CSV, PARQUET, Upload, inspect

KEY = b"k" * 32
ONE = UUID(int=1)
DOMAINS: dict[str, dict[str, Any]] = {
    "categorical": {"kind": "categorical", "categories": ["a", "1", "2.5", str(ONE)]},
    "text": {"kind": "text", "maximum_length": 50},
    "integer": {"kind": "integer", "minimum": -10, "maximum": 3000},
    "number": {"kind": "number", "minimum": -1e308, "maximum": 1e308},
    "decimal": {"kind": "decimal", "minimum": "-1000", "maximum": "100000"},
    "date": {"kind": "date", "minimum": "0001-01-01", "maximum": "9999-12-31"},
    "timestamp": {"kind": "timestamp", "minimum": "0001-01-01T00:00:00", "maximum": "9999-12-31T23:59:59"},
    "time": {"kind": "time"},
}


@dataclass(frozen=True)
class Sent:
    content: bytes

    def reader(self) -> IO[bytes]:
        return io.BytesIO(self.content)


def declared(domain: Mapping[str, Any], *, nullable: bool = True, **rule: Any) -> SourceDeclaration:
    """One column of the domain, and what becomes of values outside it, beside another that says nothing."""
    text = domain["kind"] == "text"
    columns = [
        {"name": "x", "domain": domain, "nullable": nullable, "role": "identifier" if text else "plain"} | rule,
        {"name": "n", "domain": {"kind": "categorical", "categories": ["0"]}},
    ]
    return SourceDeclaration.model_validate(
        {"name": "s", "description": "d", "population_id": str(UUID(int=1)), "columns": columns}
    )


def beside(array: pa.Array) -> pa.Table:
    return pa.table({"x": array, "n": ["0"] * len(array)})


def written(table: pa.Table, media_type: str) -> bytes:
    sink = pa.BufferOutputStream()
    if media_type == PARQUET:
        pq.write_table(table, sink)
    elif media_type == CSV:
        pa_csv.write_csv(table, sink)
    else:
        with (pa_ipc.new_file if media_type == ARROW_FILE else pa_ipc.new_stream)(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue().to_pybytes()


def upload(content: bytes, declaration: SourceDeclaration, media_type: str = CSV) -> Upload:
    return Upload(Sent(content), media_type, declaration, Limits(10**8, 10**9))


def report(content: bytes, declaration: SourceDeclaration, media_type: str = CSV) -> TableReport:
    return inspect(upload(content, declaration, media_type), KEY)


def outcome(content: bytes, declaration: SourceDeclaration, media_type: str) -> Any:
    """The values of x at rest, or what is wrong with which rows, or the code of the refusal."""
    try:
        found = report(content, declaration, media_type)
        if found.fits:
            return pa.concat_tables(upload(content, declaration, media_type).tables())["x"].to_pylist()
        return [(fault.code, fault.column, fault.rows, fault.first_rows) for fault in found.faults]
    except MoneyerError as refused:
        return refused.problem_code


def read(array: pa.Array | Sequence[Any], domain: Mapping[str, Any], media_type: str = ARROW_STREAM) -> Any:
    table = beside(array if isinstance(array, pa.Array | pa.ExtensionArray) else pa.array(array))
    return outcome(written(table, media_type), declared(domain), media_type)


def cells(lines: Sequence[str], domain: Mapping[str, Any]) -> Any:
    body = "x,n\n" + "".join(f"{line},0\n" for line in lines)
    return outcome(body.encode(), declared(domain), CSV)
