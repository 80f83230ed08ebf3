"""Object stores and folders: a file's bytes as they lie, and Delta tables; reached through the door alone."""

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from moneyer_generation.connectors.door import Door
from moneyer_generation.connectors.faults import (
    Fault,
    credentials_refused,
    not_allowed,
    not_found,
    unreachable,
    unreadable,
)
from moneyer_generation.connectors.folders import opened_below, place_below
from moneyer_generation.connectors.plain import plain_batches, plain_schema
from moneyer_generation.connectors.reach import Reach

PIECE = 2**20
TIMES = {"connect_timeout": "10s", "timeout": "120s"}
BATCH_ROWS = 65_536


def host_of(target: Mapping[str, Any]) -> str:
    """The one host that a store's objects are at."""
    match target["kind"]:
        case "s3":
            given = urlsplit(target["endpoint"] or "").hostname
            return given or f"s3.{target['region']}.amazonaws.com"
        case "azure":
            return f"{target['account']}.blob.core.windows.net"
        case _:
            return "storage.googleapis.com"


def door_to(target: Mapping[str, Any], reach: Reach) -> Door:
    """The way to a store's host and, for Google, to where its tokens are had.

    Raises:
        Fault: it may not be reached.
    """
    if (target.get("endpoint") or "").startswith("http://"):
        reach.check_plain(host_of(target))
    tokens = ["oauth2.googleapis.com"] if target["kind"] == "gcs" else []
    reach.addresses(host_of(target), _port(target))
    return Door(reach, [host_of(target), *tokens])


def _port(target: Mapping[str, Any]) -> int:
    given = urlsplit(target.get("endpoint") or "")
    return given.port or (80 if given.scheme == "http" else 443)


def open_store(target: Mapping[str, Any], secret: str | None, door: Door) -> Any:
    """The bucket or container, spoken with through the door; without a secret unsigned, and never as the worker."""
    from obstore.store import AzureStore, GCSStore, S3Store

    plain = (target.get("endpoint") or "").startswith("http://")
    said: dict[str, Any] = {
        "client_options": {**TIMES, "proxy_url": door.url, "allow_http": plain},
        "retry_config": {"max_retries": 2},
        **_signing(target["kind"], target.get("access_key"), secret),
    }
    make: Any = {"s3": S3Store, "azure": AzureStore, "gcs": GCSStore}[target["kind"]]
    match target["kind"]:
        case "s3":
            endpoint = {"endpoint": target["endpoint"]} if target["endpoint"] else {}
            return make(target["bucket"], region=target["region"], **endpoint, **said)
        case "azure":
            return make(target["container"], account_name=target["account"], **said)
        case _:
            return make(target["bucket"], **said)


def _signing(kind: str, access_key: str | None, secret: str | None) -> dict[str, Any]:
    if secret is None:
        return {"skip_signature": True}
    match kind:
        case "s3":
            return {"access_key_id": access_key, "secret_access_key": secret}
        case "azure":
            return {"account_key": secret}
        case _:
            return {"service_account_key": secret}


def stored_pieces(target: Mapping[str, Any], path: str, secret: str | None, reach: Reach) -> Iterator[bytes]:
    """A stored file's bytes.

    Raises:
        Fault: it cannot be had.
    """
    import obstore

    door = door_to(target, reach)
    try:
        for piece in obstore.get(open_store(target, secret, door), path).stream(min_chunk_size=PIECE):
            yield bytes(piece)
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise door.refused or store_fault(error) from None


def check_store(target: Mapping[str, Any], secret: str | None, reach: Reach) -> None:
    """That a store can be spoken with: it lists one page, or says that nothing lies there.

    Raises:
        Fault: it cannot.
    """
    import obstore

    door = door_to(target, reach)
    try:
        next(iter(obstore.list(open_store(target, secret, door), chunk_size=1)), None)
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise door.refused or store_fault(error) from None


def store_fault(error: Exception) -> Fault:
    """The store's own words are left where they are: they hold addresses, and sometimes what was signed."""
    name, words = type(error).__name__, str(error)
    if isinstance(error, FileNotFoundError) or name == "NotFoundError":
        return not_found("file")
    refused = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthenticationFailed", "invalid_grant", "AccessDenied")
    if name in {"PermissionDeniedError", "UnauthenticatedError"} or any(word in words for word in refused):
        return credentials_refused()
    if "redirect" in words.lower():
        return not_allowed("The place sends its callers on to another host; nothing is followed there.")
    if name in {"InvalidPathError", "UnknownConfigurationKeyError", "ValueError"}:
        return Fault("not-allowed", "The path or the secret does not have the form that the store's kind takes.")
    return unreachable()


def folder_pieces(target: Mapping[str, Any], path: str, root: str | None) -> Iterator[bytes]:
    """A file's bytes, out of the operator's folder.

    Raises:
        Fault: there is none, or a link leads there.
    """
    with opened_below(root, place_below(root, target["path"], path)) as found:
        while piece := os.read(found, PIECE):
            yield piece


# --- Delta ----------------------------------------------------------------------------------------


@contextmanager
def reading_delta(
    target: Mapping[str, Any], path: str, secret: str | None, reach: Reach, root: str | None
) -> Generator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The newest version of a Delta table.

    Raises:
        Fault: it cannot be read, or its log leads outside its folder.
    """
    import deltalake
    from deltalake.exceptions import DeltaError, TableNotFoundError

    door = None if target["kind"] == "files" else door_to(target, reach)
    place, options = _delta_place(target, path, secret, root, door)
    try:
        table = deltalake.DeltaTable(place, storage_options=options)
        _check_inside(table.file_uris(), place, root)
        dataset: Any = table.to_pyarrow_dataset()
        schema = plain_schema(dataset.schema)
        yield schema, plain_batches(dataset.to_batches(batch_size=BATCH_ROWS, use_threads=False), schema)
    except TableNotFoundError:
        raise not_found("Delta table") from None
    except (DeltaError, OSError, pa.ArrowException, ValueError) as error:
        raise (door.refused if door and door.refused else _delta_fault(error)) from None


def _delta_fault(error: Exception) -> Fault:
    fault = store_fault(error)
    return fault if fault.code in {"credentials-refused", "not-allowed"} else unreadable("Delta table")


def _delta_place(
    target: Mapping[str, Any], path: str, secret: str | None, root: str | None, door: Door | None
) -> tuple[str, dict[str, str]]:
    """(the address of the table, what its reader is told beside it)."""
    if door is None:
        return str(place_below(root, target["path"], path)), {}
    plain = (target.get("endpoint") or "").startswith("http://")
    common = {"proxy_url": door.url, "allow_http": str(plain).lower(), "connect_timeout": TIMES["connect_timeout"]}
    match target["kind"]:
        case "s3":
            given = {"aws_endpoint": target["endpoint"]} if target["endpoint"] else {}
            signed = {"aws_access_key_id": target["access_key"] or "", "aws_secret_access_key": secret or ""}
            own = signed if secret else {"aws_skip_signature": "true"}
            return f"s3://{target['bucket']}/{path}", {**common, **given, **own, "aws_region": target["region"]}
        case "azure":
            own = {"azure_storage_account_key": secret} if secret else {"azure_skip_signature": "true"}
            named = {"azure_storage_account_name": target["account"]}
            return f"az://{target['container']}/{path}", {**common, **named, **own}
        case _:
            own = {"google_service_account_key": secret} if secret else {"google_skip_signature": "true"}
            return f"gs://{target['bucket']}/{path}", {**common, **own}


def _check_inside(files: list[str], place: str, root: str | None) -> None:
    """A table's log may name files by whole addresses, and so lead anywhere (shallow clones do)."""
    for file in files:
        below = unquote(file).removeprefix("file://").removeprefix(place.rstrip("/") + "/")
        if below.startswith("/") or "://" in below or ".." in below.split("/"):
            raise not_allowed("The table's log leads outside the table's own folder.")
        if place.startswith("/"):
            with opened_below(root, place_below(root, os.path.relpath(f"{place}/{below}", place_below(root)))):
                pass
