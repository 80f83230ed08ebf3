"""Iceberg tables written by pyiceberg, and deletes beside them, which it reads and does not write."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.typedef import Record

SNAPSHOT = 4711
PATH_FIELD, POSITION_FIELD = 2147483546, 2147483545
"""Reserved ids: https://iceberg.apache.org/spec/#reserved-field-ids"""


def catalog(folder: Path, **options: str) -> SqlCatalog:
    """A catalog in ``folder/catalog.db``, its tables below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = SqlCatalog("lake", uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=folder.as_uri(), **options)
    made.create_namespace_if_not_exists("clinic")
    return made


def written(folder: Path, *tables: pa.Table) -> Any:
    made = catalog(folder).create_table("clinic.people", tables[0].schema)
    for table in tables:
        made.append(table)
    return made


def metadata_of(table: Any) -> Path:
    return Path(table.metadata_location.removeprefix("file://"))


class DeletesWriter(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def with_positions_deleted(table: Any, positions: list[int]) -> Path:
    """The path of metadata in which these rows of the table's first data file are deleted, merge on read."""
    first = next(iter(table.scan().plan_files())).file.file_path
    place = metadata_of(table).parents[1] / "data" / "deletes.parquet"
    fields = [
        pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": str(PATH_FIELD)}),
        pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": str(POSITION_FIELD)}),
    ]
    pq.write_table(pa.table([[first] * len(positions), positions], schema=pa.schema(fields)), place)
    return _with_deletes(table, place, DataFileContent.POSITION_DELETES, len(positions))


def with_equality_deleted(table: Any, column: str, value: Any) -> Path:
    place = metadata_of(table).parents[1] / "data" / "equality.parquet"
    number = table.schema().find_field(column).field_id
    field = pa.field(column, table.schema().as_arrow().field(column).type, metadata={"PARQUET:field_id": str(number)})
    pq.write_table(pa.table([[value]], schema=pa.schema([field])), place)
    return _with_deletes(table, place, DataFileContent.EQUALITY_DELETES, 1, equality_ids=[number])


def _with_deletes(table: Any, place: Path, content: DataFileContent, count: int, **more: Any) -> Path:
    current, folder = table.current_snapshot(), metadata_of(table).parent
    sequence = current.sequence_number + 1
    file = DataFile.from_args(
        _table_format_version=2, content=content, file_path=place.as_uri(), file_format=FileFormat.PARQUET, partition=Record(),
        record_count=count, file_size_in_bytes=place.stat().st_size, **more,
    )  # fmt: skip
    entry = ManifestEntry.from_args(
        _table_format_version=2, status=ManifestEntryStatus.ADDED, snapshot_id=SNAPSHOT, sequence_number=sequence, file_sequence_number=sequence,
        data_file=file,
    )  # fmt: skip
    output = table.io.new_output((folder / "deletes.avro").as_uri())
    with DeletesWriter(table.spec(), table.schema(), output, SNAPSHOT, "null") as writer:
        writer.add_entry(entry)
    listed = (folder / "deletes-list.avro").as_uri()
    with write_manifest_list(
        2, table.io.new_output(listed), SNAPSHOT, current.snapshot_id, sequence, "null"
    ) as manifests:
        manifests.add_manifests([*current.manifests(table.io), writer.to_manifest_file()])
    return _told(metadata_of(table), listed, sequence)


def _told(metadata: Path, listed: str, sequence: int) -> Path:
    said = json.loads(metadata.read_text())
    newest = said["snapshots"][-1]
    said["snapshots"].append(
        newest
        | {
            "snapshot-id": SNAPSHOT,
            "parent-snapshot-id": newest["snapshot-id"],
            "sequence-number": sequence,
            "manifest-list": listed,
        }
    )
    said |= {"current-snapshot-id": SNAPSHOT, "last-sequence-number": sequence}
    said["refs"]["main"]["snapshot-id"] = SNAPSHOT
    made = metadata.parent / "99999-deleted.metadata.json"
    made.write_text(json.dumps(said))
    return made
