"""What evaluation finds about assets that are out, and what policy knows of each."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from moneyer_policy.assets.use_cases import dossier, findings, provenance
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="gate")
READ, EVIDENCE = "policy:read", "policy:evidence:read"
MOST_LEAVES = 100

routes.add(
    "POST",
    "/findings",
    findings.report_finding,
    "Hold what was found about a released asset against its charter",
    scope="policy:releases:write",
    status=201,
    once="must",
    extra={"openapi_extra": {LARGEST_BODY: 8 * 2**20}},
)
routes.add(
    "GET",
    "/assets/{asset_id}/dossier",
    dossier.get_dossier,
    "Under which charter, votes, assessments and budget an asset was made, and what became of it",
    scope=EVIDENCE,
    extra={
        "description": "Names who voted, assessed and asked, and why: for lineage, and for those who may ask it for "
        "evidence."
    },
)
routes.add(
    "GET",
    "/assets/{asset_id}/salts",
    dossier.get_salts,
    "What opens the digests of people, and of what a dossier shows, in leaves about an asset",
    scope=EVIDENCE,
    given={"leaf": Annotated[list[UUID], Query(min_length=1, max_length=MOST_LEAVES, description="Ids of leaves.")]},
    extra={"description": "By leaf, hexadecimal; a leaf about anything else has no salt here."},
)
routes.add(
    "GET",
    "/assets/{asset_id}/provenance",
    provenance.get_provenance,
    "Under which charter version, votes and budget an asset was made, as they stood then",
    scope=READ,
)
