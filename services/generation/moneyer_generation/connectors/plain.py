"""Record batches as drivers give them, in types that a table on its way in may have: exact, and without extensions."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from moneyer_generation.connectors.faults import Fault


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema that ``plain_batches`` gives."""
    return pa.schema([pa.field(one.name, _plain_type(one.type)) for one in schema])


def plain_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Each batch in that schema: a UUID as its text, a decimal without scale as its exact digits, JSON as it stands."""
    for batch in batches:
        arrays = [_plain(array, kind) for array, kind in zip(batch.columns, schema.types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if not isinstance(kind, pa.BaseExtensionType):
        return kind
    return pa.string() if kind.extension_name == "arrow.uuid" else kind.storage_type


def _plain(array: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    if not isinstance(array, pa.ExtensionArray):
        return array
    if array.type.extension_name == "arrow.uuid":
        # Sixteen bytes are no text to anybody; a UUID has one way to be written.
        return pa.array([one and str(one) for one in map(_as_uuid, array)], kind)
    return array.storage


def _as_uuid(value: Any) -> uuid.UUID | None:
    found = value.as_py()
    return uuid.UUID(bytes=found) if isinstance(found, bytes) else found


def check_columns(names: list[str]) -> None:
    """That a result names its columns once each, before anything is read of it.

    Raises:
        Fault: it does not.
    """
    if len(set(names)) != len(names) or not all(names):
        raise Fault("query-refused", "Two columns of the result have one name, or one has none: name them with AS.")
