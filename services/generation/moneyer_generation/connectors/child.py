"""A fetching process: one job on its standard input, one table on its standard output.

It alone imports a driver and alone is told a secret; it dies with its worker, and whatever a driver does with it.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa
import pyarrow.ipc as pa_ipc

from moneyer_generation.connectors import engines, iceberg, mysql, postgres, stores, warehouses
from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.folders import place_below
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.wire import FetchJob, Sender
from moneyer_generation.rules.pull import DATABASES

STREAM = "application/vnd.apache.arrow.stream"
FORMS = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow-stream": STREAM,
    "arrow-file": "application/vnd.apache.arrow.file",
}
ENDINGS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrows": "arrow-stream",
    ".arrow": "arrow-file",
    ".feather": "arrow-file",
}
SERVERS: Mapping[str, Any] = {
    "postgres": postgres, "mysql": mysql, "snowflake": warehouses, "bigquery": warehouses,
}  # fmt: skip
"""Databases that are spoken with over the network."""
Reading = AbstractContextManager[tuple[pa.Schema, Iterator[pa.RecordBatch]]]


def main() -> None:
    # Zones of this machine are nobody's: what an engine renders in local time is rendered in UTC.
    os.environ["TZ"] = "UTC"
    time.tzset()
    sender = Sender(sys.stdout.buffer)
    job: FetchJob = warehouses.taken_over() or json.loads(sys.stdin.buffer.readline())
    if certificates := job.get("certificates"):
        os.environ["SSL_CERT_FILE"] = certificates
    if job["target"]["kind"] in warehouses.KINDS and warehouses.DOOR not in os.environ:
        warehouses.begin_anew(job)
    try:
        _carry(job, sender)
    except Fault as fault:
        sender.tell(failed={"code": fault.code, "detail": fault.detail, "reasons": fault.reasons})
    except ImportError as error:
        detail = f"The worker lacks the driver {error.name}: install moneyer[connectors] beside it."
        sender.tell(failed={"code": "driver-missing", "detail": detail, "reasons": []})
    except MemoryError:
        detail = "It takes more memory than a pull may take (PULL_MEBIBYTES)."
        sender.tell(failed={"code": "too-large", "detail": detail, "reasons": []})
    except Exception as error:  # noqa: BLE001 - a driver raises what it likes, and its words may hold anything
        detail = f"The driver failed ({type(error).__name__})."
        sender.tell(failed={"code": "driver-failed", "detail": detail, "reasons": []})
    else:
        sender.tell(done=True)


def _carry(job: FetchJob, sender: Sender) -> None:
    asked = job["asked"]
    if asked is None:
        _check(job)
    elif asked.get("path") is not None:
        _check_fits(job, "path")
        _send_file(job, str(asked["path"]), asked.get("form"), sender)
    else:
        _check_fits(job, "query" if asked.get("query") or asked.get("table") else "delta")
        _send_batches(_reading(job), sender)


def _check_fits(job: FetchJob, what: str) -> None:
    is_database = job["target"]["kind"] in DATABASES
    if job["target"]["kind"] == "iceberg" and (job["asked"] or {}).get("query") is not None:
        raise Fault("asked-wrongly", "Through an iceberg connection a table is pulled by its name.")
    if is_database != (what == "query"):
        needed = "a query or a table" if is_database else "a path, a delta or an iceberg"
        raise Fault("asked-wrongly", f"Through a {job['target']['kind']} connection {needed} is pulled.")


def _reading(job: FetchJob) -> Reading:
    target, asked, reach = job["target"], job["asked"] or {}, Reach(frozenset(job["hosts"]))
    match target["kind"]:
        case kind if kind in SERVERS:
            reading: Reading = SERVERS[kind].reading(target, asked, job["secret"] or "", reach, job["seconds"])
            return reading
        case "duckdb":
            return engines.reading_duckdb(target, asked, job["files"], job["mebibytes"] // 2)
        case "sqlite":
            return engines.reading_sqlite(target, asked, job["files"], min(job["table_bytes"], 2**30))
        case kind if kind == "iceberg" or asked.get("iceberg") is not None:
            return iceberg.reading(target, asked, job["secret"], reach, job["files"])
        case _:
            return stores.reading_delta(target, str(asked["delta"]), job["secret"], reach, job["files"])


def _send_batches(reading: Reading, sender: Sender) -> None:
    """The batches as an Arrow stream, as an upload might be sent."""
    with reading as (schema, batches):
        sender.tell(media_type=STREAM, encoding="")
        pipe: Any = pa.PythonFile(sender, mode="w")
        with pa_ipc.new_stream(pipe, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


def _send_file(job: FetchJob, path: str, form: str | None, sender: Sender) -> None:
    encoding = "gzip" if path.endswith(".gz") else ""
    name = path.removesuffix(".gz")
    said = form or next((form for ending, form in ENDINGS.items() if name.endswith(ending)), None)
    if said is None:
        raise Fault("asked-wrongly", "Its name does not say what the file holds: say form.")
    pieces = iter(_pieces(job, path))
    first = next(pieces, b"")
    sender.tell(media_type=FORMS[said], encoding=encoding)
    sender.write(first)
    for piece in pieces:
        sender.write(piece)


def _pieces(job: FetchJob, path: str) -> Iterable[bytes]:
    if job["target"]["kind"] == "files":
        return stores.folder_pieces(job["target"], path, job["files"])
    return stores.stored_pieces(job["target"], path, job["secret"], Reach(frozenset(job["hosts"])))


def _check(job: FetchJob) -> None:
    """That the place can be spoken with, by the smallest question there is."""
    target, reach = job["target"], Reach(frozenset(job["hosts"]))
    match target["kind"]:
        case kind if kind in SERVERS:
            SERVERS[kind].check(target, job["secret"] or "", reach, job["seconds"])
        case "duckdb" | "sqlite":
            with _reading({**job, "asked": {"query": "SELECT 1 AS one"}}) as (_, batches):
                for _batch in batches:
                    pass
        case "iceberg":
            iceberg.check(target, job["files"])
        case "files":
            place = place_below(job["files"], target["path"])
            if not place.is_dir() or place.resolve() != place:
                raise Fault("not-found", "There is no such folder below CONNECTOR_FILES, or a link leads there.")
        case _:
            stores.check_store(target, job["secret"], reach)


if __name__ == "__main__":
    main()
