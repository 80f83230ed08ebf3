"""The audit log: leaves in; entries, proofs, tiles and checkpoints out."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse

from moneyer_lineage.api.words import (
    DELIVER,
    READ,
    AuditLeaf,
    ConsistencyProof,
    InArchive,
    InclusionProof,
    LogEntry,
    Outpost,
    Sequenced,
    leaf_of,
)
from moneyer_lineage.domain.names import check_speaker
from moneyer_lineage.store.log import LogStore
from moneyer_lineage.use_cases import log, posts
from moneyer_shared.auth import Caller
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["log"])
Size = Annotated[int, Query(ge=1, lt=2**62)]
HIGHEST_LEVEL = 7
TILE_PATH = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
BYTES = "application/octet-stream"


@router.post(
    "/audit-events",
    status_code=201,
    operation_id="appendAuditEvent",
    summary="Give an audit event its place",
)
async def append(leaf: AuditLeaf, archive: InArchive, caller: Caller = DELIVER) -> Sequenced:
    check_speaker(leaf.service, archive.speakers.get(caller.client))
    (place,) = await log.append_leaves(archive, [leaf_of(leaf)])
    if isinstance(place, Conflict):
        raise place
    return Sequenced(index=place)


@router.get("/log/entries", operation_id="listLogEntries", summary="The log's leaves, in order")
async def entries(
    archive: InArchive,
    pages: Pages,
    subject: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    after: Annotated[int, Query(ge=-1, lt=2**62)] = -1,
    _: Caller = READ,
) -> list[LogEntry]:
    async with archive.database.transaction() as connection:
        rows = await LogStore(connection).leaves(subject, after)
    pages.follow(rows, "position")
    return [LogEntry(index=row.position, leaf=row.leaf.decode(), sequenced_at=row.sequenced_at) for row in rows]


@router.get("/log/entries/{index}/proof", operation_id="proveLogEntry", summary="An inclusion proof")
async def proof(index: Annotated[int, Path(ge=0, lt=2**62)], archive: InArchive, _: Caller = READ) -> InclusionProof:
    return InclusionProof.model_validate(await log.prove(archive, index))


@router.get(
    "/log/checkpoint",
    operation_id="getCheckpoint",
    response_class=PlainTextResponse,
    summary="The newest signed checkpoint (C2SP signed note)",
)
async def checkpoint(archive: InArchive, _: Caller = READ) -> str:
    return await log.checkpoint(archive)


@router.get(
    "/log/key",
    operation_id="getLogKey",
    response_class=PlainTextResponse,
    summary="The key that checkpoints are verified with",
)
async def key(archive: InArchive) -> str:
    return archive.signer.verifier_key


@router.get("/log/consistency", operation_id="proveConsistency", summary="That the log only grew")
async def consistency(
    archive: InArchive,
    first: Annotated[Size, Query(alias="from", description="The size of a checkpoint you hold.")],
    second: Annotated[Size, Query(alias="to", description="The size of a later one.")],
    _: Caller = READ,
) -> ConsistencyProof:
    return ConsistencyProof.model_validate(await log.prove_consistency(archive, first, second))


@router.get(
    "/log/tile/entries/{path:path}",
    operation_id="getEntriesTile",
    summary="A bundle of 256 entries (C2SP tlog-tiles)",
    response_class=Response,
    responses={200: {"content": {BYTES: {}}}},
)
async def entries_tile(path: str, archive: InArchive, _: Caller = READ) -> Response:
    number, width = _tile(path)
    return Response(await log.entries_tile(archive, number, width), media_type=BYTES)


@router.get(
    "/log/tile/{level}/{path:path}",
    operation_id="getTile",
    summary="A tile of 256 hashes (C2SP tlog-tiles)",
    response_class=Response,
    responses={200: {"content": {BYTES: {}}}},
)
async def tile(
    level: Annotated[int, Path(ge=0, le=HIGHEST_LEVEL)], path: str, archive: InArchive, _: Caller = READ
) -> Response:
    number, width = _tile(path)
    return Response(await log.tile(archive, level, number, width), media_type=BYTES)


def _tile(path: str) -> tuple[int, int]:
    """A tile's number and width from its path: ``x001/x234/067`` is number 1,234,067; ``.p/<width>`` a partial one.

    Raises:
        NotFound: it is no tile's path.
    """
    found = TILE_PATH.fullmatch(path)
    width = int(found[2] or log.TILE) if found else 0
    if found is None or width > log.TILE:
        raise NotFound("A tile's path is x001/x234/067, or 067.p/<1 to 255> for one that is not whole.")
    return int(found[1].replace("x", "").replace("/", "")), width


@router.get("/log/outposts", operation_id="listOutposts", summary="Who outside holds which checkpoint")
async def outposts(archive: InArchive, _: Caller = READ) -> list[Outpost]:
    async with archive.database.transaction() as connection:
        rows = await LogStore(connection).outposts()
    return [Outpost.model_validate(posts.show(row)) for row in rows]
