"""The graph, and records of assets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from moneyer_lineage.api.words import (
    EVIDENCE,
    READ,
    AffectedVersion,
    AssetChangeShown,
    DatasetNode,
    Graph,
    ImpactShown,
    InArchive,
    NodeId,
    ProvenGrounds,
    Record,
)
from moneyer_lineage.domain.changes import standing
from moneyer_lineage.domain.graph import Direction, Start
from moneyer_lineage.use_cases import evidence, impact, records
from moneyer_lineage.use_cases import graph as use_cases
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.errors import Invalid

router = APIRouter(prefix="/v1", tags=["lineage"])
HANDED_ON = (
    "Asked of policy and evaluation with lineage's own rights, so it has a scope of its own: give it only to those "
    "who hold policy:evidence:read and evaluation:read as well. It names members, requester and assessors."
)


@router.get("/graph", operation_id="getGraph", summary="What lies upstream or downstream of a node")
async def get_graph(
    archive: InArchive,
    node: Annotated[
        NodeId | None,
        Query(description="dataset:<namespace>:<name>, job:… or run:<id>; a colon in a name is written %3A."),
    ] = None,
    run: Annotated[UUID | None, Query(description="The graph as this run met it, instead of a node.")] = None,
    direction: Annotated[Direction, Query()] = "upstream",
    depth: Annotated[int, Query(ge=1, le=50)] = 10,
    as_of: Annotated[Moment | None, Query(alias="asOf", description="As it was known by then.")] = None,
    _: Caller = READ,
) -> Graph:
    if (node is None) == (run is None) or (run is not None and as_of is not None):
        raise Invalid("Give node, with asOf or without, or run.", code="node-or-run")
    if run is not None:
        found = await use_cases.graph_of_run(archive, str(run), direction=direction, depth=depth)
    else:
        start = Start.of(node or "")
        found = await use_cases.graph(archive, start, direction=direction, depth=depth, as_of=as_of)
    return Graph.model_validate(found)


@router.get("/assets/{asset}/impact", operation_id="getImpact", summary="What was built on an asset, and whose it is")
async def get_impact(
    asset: UUID,
    archive: InArchive,
    as_of: Annotated[Moment | None, Query(alias="asOf", description="As it was known by then.")] = None,
    _: Caller = READ,
) -> ImpactShown:
    found = await impact.impact(archive, asset, as_of)
    known = standing(found.changes)
    return ImpactShown(
        asset=asset,
        state=known.state,
        substitute=UUID(known.substitute) if known.substitute else None,
        changes=[AssetChangeShown(at=one.at, change=one.change, because=one.because, substitute=one.substitute)
                 for one in found.changes],
        assets=[UUID(one) for one in found.assets],
        models=[
            AffectedVersion(model=row.model, version=row.version, owner=row.owner, trained_at=row.trained_at,
                            webhooks=found.listeners[row.owner])
            for row in found.versions
        ],
        others=[DatasetNode(namespace=space, name=name) for space, name in found.others],
    )  # fmt: skip


@router.get("/records/{asset}", operation_id="getRecord", summary="How an asset came about")
async def get_record(asset: UUID, archive: InArchive, _: Caller = READ) -> Record:
    return Record.model_validate(await records.record(archive, asset))


@router.get(
    "/assets/{asset}/grounds",
    operation_id="getProvenGrounds",
    summary="Under which charter version, votes and budget an asset was made, and the log entries that prove it",
    description=HANDED_ON,
)
async def get_grounds(asset: UUID, archive: InArchive, _: Caller = EVIDENCE) -> ProvenGrounds:
    return ProvenGrounds.model_validate(await records.grounds(archive, asset))


@router.get(
    "/evidence/{asset}",
    operation_id="getEvidence",
    summary="All evidence of an asset in one zip, to be checked offline",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
    description=HANDED_ON,
)
async def get_evidence(asset: UUID, archive: InArchive, _: Caller = EVIDENCE) -> Response:
    content = await evidence.bundle(archive, asset)
    headers = {"Content-Disposition": f'attachment; filename="evidence-{asset}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)
