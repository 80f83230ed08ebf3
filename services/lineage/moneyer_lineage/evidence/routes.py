"""What is shown of an asset with the word of policy and evaluation, and proved."""

from fastapi import Response

from moneyer_lineage.evidence import use_cases as evidence
from moneyer_lineage.evidence.documents import Bundle
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="lineage")
EVIDENCE = "lineage:evidence:read"
"""For whoever may ask policy and evaluation for the same: what lineage asks with its own rights it shows no other."""
HANDED_ON = (
    "Asked of policy and evaluation with lineage's own rights, so it has a scope of its own: give it only to those "
    "who hold policy:evidence:read and evaluation:read as well. It names members, requester and assessors."
)
ZIP = "application/zip"


def _zip(bundle: Bundle) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="evidence-{bundle.asset}.zip"'}
    return Response(bundle.content, media_type=ZIP, headers=headers)


routes.add(
    "GET", "/assets/{asset}/provenance", evidence.get_provenance,
    "Under which charter version, votes and budget an asset was made, and the log entries that prove it",
    scope=EVIDENCE, operation="getLoggedProvenance", extra={"description": HANDED_ON},
)  # fmt: skip
routes.add(
    "GET", "/evidence/{asset}", evidence.get_evidence, "All evidence of an asset in one zip, to be checked offline",
    scope=EVIDENCE, render=_zip,
    extra={"description": HANDED_ON, "response_class": Response, "responses": {200: {"content": {ZIP: {}}}}},
)  # fmt: skip
