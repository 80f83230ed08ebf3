"""Drafts of declarations, from public documents."""

from moneyer_generation.use_cases.drafts import draft_source
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/source-drafts", tag="sources")

routes.add(
    "POST", "", draft_source, "Propose a source's declaration from schemas and codebooks; no rows, and nothing is kept",
    scope="generation:sources:write", extra={"openapi_extra": {LARGEST_BODY: 8 * 2**20}},
)  # fmt: skip
