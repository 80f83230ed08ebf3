"""Iceberg tables by pyiceberg, every file of theirs opened by us: below the table's own folder, or not at all."""

import io
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from moneyer_generation.connectors.door import Door
from moneyer_generation.connectors.engines import opened_sqlite
from moneyer_generation.connectors.faults import Fault, not_allowed, not_found, unreadable
from moneyer_generation.connectors.folders import opened_below, place_below
from moneyer_generation.connectors.plain import plain_batches, plain_schema
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.stores import door_to, open_store, store_fault

METADATA = ".metadata.json"
PIECE = 2**20
WORKERS = {"PYICEBERG_MAX_WORKERS": "1", "PYICEBERG_DOWNCAST_NS_TIMESTAMP_TO_US_ON_WRITE": "false"}
"""One reader; and nanoseconds where microseconds are declared are refused, which it would else cut."""
SCHEMES = {
    "files": {"file"}, "iceberg": {"file"}, "s3": {"s3", "s3a", "s3n"}, "gcs": {"gs", "gcs"},
    "azure": {"az", "abfs", "abfss", "wasb", "wasbs"},
}  # fmt: skip
OUTSIDE = "The table's log leads outside the table's own folder."
MERGED_LATER = "The table has equality deletes, which are not applied here: have it compacted, then pull it."
UNREADABLE = (OSError, ValueError, TypeError, LookupError, NotImplementedError, pa.ArrowException)
Reading = tuple[pa.Schema, Iterator[pa.RecordBatch]]


class Files:
    """The files of one table: ``opened`` by their locations, which its metadata name in full."""

    def __init__(self, target: Mapping[str, Any], secret: str | None, reach: Reach, root: str | None) -> None:
        self._target = target
        self._root = root
        self._is_local = target["kind"] in {"files", "iceberg"}
        self.door: Door | None = None if self._is_local else door_to(target, reach)
        self._store = None if self.door is None else open_store(target, secret, self.door)
        self._folder = ""

    def stays_below(self, metadata: str) -> str:
        """The location of a table's metadata, at a path; what is opened from now on lies below the table's folder.

        Raises:
            Fault: a path that no table's metadata has.
        """
        folder, _, name = metadata.rpartition("/")
        if not name.endswith(METADATA) or folder.rpartition("/")[2] != "metadata":
            raise not_found(f"metadata of a table: name its metadata/…{METADATA}, as its catalog does; such a file")
        self._folder = folder.rpartition("/")[0]
        return metadata

    def opened(self, location: str) -> io.BufferedIOBase:
        """A file, to be read.

        Raises:
            Fault: it lies outside, or there is none.
        """
        path = self.path_of(location)
        if self._folder and not path.startswith(f"{self._folder}/"):
            raise not_allowed(OUTSIDE)
        if self._store is None:
            with opened_below(self._root, place_below(self._root, path)) as found:
                return os.fdopen(os.dup(found), "rb")
        import obstore

        return io.BufferedReader(_Stored(obstore.open_reader(self._store, path)), PIECE)

    def path_of(self, location: str) -> str:
        """The path below the operator's folder, or in the bucket."""
        given = urlsplit(location)
        if given.scheme and given.scheme not in SCHEMES[self._target["kind"]]:
            raise not_allowed(OUTSIDE)
        if self._is_local:
            return self._below_root(given.path if given.scheme else location)
        holder = given.netloc.partition("@")[0]
        if given.scheme and holder != (self._target.get("bucket") or self._target.get("container")):
            raise not_allowed(OUTSIDE)
        path = given.path.removeprefix("/") if given.scheme else location
        if any(part in {"", ".", ".."} for part in path.split("/")):
            raise not_allowed(OUTSIDE)
        return path

    def _below_root(self, path: str) -> str:
        if not path.startswith("/"):
            return path
        root = str(place_below(self._root))
        for prefix in (root, str(self._root)):
            if path.startswith(f"{prefix}/"):
                return path.removeprefix(f"{prefix}/")
        raise not_allowed(OUTSIDE)


class _Stored(io.RawIOBase):
    """An object of a store as a file."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())

    def readinto(self, buffer: Any) -> int:
        found = bytes(self._reader.read(len(buffer)))
        buffer[: len(found)] = found
        return len(found)


@contextmanager
def reading(
    target: Mapping[str, Any], asked: Mapping[str, Any], secret: str | None, reach: Reach, root: str | None
) -> Generator[Reading]:
    """The rows of the snapshot that a table's metadata call its current one.

    Raises:
        Fault: it cannot be read as a whole, or its log leads outside its folder.
    """
    from pyiceberg.exceptions import ResolveError, ValidationError

    os.environ.update(WORKERS)
    files = Files(target, secret, reach, root)
    metadata = _in_catalog(target, str(asked["table"]), root) if asked.get("table") else str(asked["iceberg"])
    place = files.stays_below(files.path_of(metadata) if asked.get("table") else _below(target, metadata))
    try:
        schema, batches = _scanned(files, place)
        plain = plain_schema(schema)
        yield plain, plain_batches(batches, plain)
    except (ResolveError, ValidationError, *UNREADABLE) as error:
        raise _fault(error, files.door) from None


def _below(target: Mapping[str, Any], path: str) -> str:
    return f"{target['path']}/{path}" if target.get("path") else path


def _in_catalog(target: Mapping[str, Any], table: str, root: str | None) -> str:
    """Where the newest metadata of a table lie, as pyiceberg's SQL catalog keeps it."""
    namespace, _, name = table.rpartition(".")
    query = (
        "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?"
    )
    with opened_sqlite(target, root, PIECE) as connection:
        row = connection.execute(query, (target["catalog"], namespace, name)).fetchone()
    if row is None or not isinstance(row[0], str):
        raise not_found("table")
    return row[0]


def check(target: Mapping[str, Any], root: str | None) -> None:
    """That the catalog can be read.

    Raises:
        Fault: it cannot.
    """
    with opened_sqlite(target, root, PIECE) as connection:
        connection.execute("SELECT count(*) FROM iceberg_tables").fetchone()


def _scanned(files: Files, place: str) -> Reading:
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.io import pyarrow as of_pyiceberg
    from pyiceberg.serializers import FromInputFile
    from pyiceberg.table import Table

    arrow: Any = of_pyiceberg
    ours = _file_io(files)
    metadata = FromInputFile.table_metadata(ours.new_input(place))
    table = Table(("pulled",), metadata, place, ours, NoopCatalog("none"))
    scan = table.scan()
    tasks = list(scan.plan_files())
    reader = arrow.ArrowScan(metadata, ours, scan.projection(), scan.row_filter)
    deletes = arrow._read_all_delete_files(ours, tasks)  # noqa: SLF001 - as below
    schema: pa.Schema = arrow.schema_to_pyarrow(scan.projection(), include_field_ids=False)

    def batches() -> Iterator[pa.RecordBatch]:
        # Its public door reads every file at once, into memory.
        for batch in reader._record_batches_from_scan_tasks_and_deletes(tasks, deletes):  # noqa: SLF001
            yield batch.cast(schema)

    return schema, batches()


def _file_io(files: Files) -> Any:
    from pyiceberg.io import FileIO, InputFile

    class Input(InputFile):  # type: ignore[misc]
        def __len__(self) -> int:
            with files.opened(self.location) as found:
                return found.seek(0, os.SEEK_END)

        def exists(self) -> bool:
            try:
                files.opened(self.location).close()
            except Fault:
                return False
            return True

        def open(self, seekable: bool = True) -> Any:  # noqa: ARG002
            return files.opened(self.location)

    class Ours(FileIO):  # type: ignore[misc]
        def new_input(self, location: str) -> Any:
            return Input(location)

        def new_output(self, location: str) -> Any:
            raise NotImplementedError

        def delete(self, location: Any) -> None:
            raise NotImplementedError

    return Ours()


def _fault(error: Exception, door: Door | None) -> Fault:
    if door is not None and door.refused is not None:
        return door.refused
    if "equality delete" in str(error):
        return Fault("table-unreadable", MERGED_LATER)
    if isinstance(error, FileNotFoundError):
        return not_found("file of the table")
    if door is not None and isinstance(error, OSError):
        fault = store_fault(error)
        return (
            fault if fault.code in {"credentials-refused", "not-found", "unreachable"} else unreadable("Iceberg table")
        )
    return unreadable("Iceberg table")
