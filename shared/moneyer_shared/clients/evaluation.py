"""Evaluation, as generation calls it."""

from typing import Protocol
from uuid import UUID

from moneyer_shared.contracts.evaluation import Assay, AssayRequest, GuaranteeAudit, GuaranteeAuditRequest
from moneyer_shared.http import Peer


class Evaluation(Protocol):
    """What generation needs of evaluation."""

    async def request(self, request: AssayRequest) -> Assay: ...
    async def assay(self, assay_id: UUID) -> Assay: ...
    async def audit(self, request: GuaranteeAuditRequest) -> GuaranteeAudit: ...


class EvaluationOverHttp:
    """Raises evaluation's own problems; ``Unavailable`` when it does not answer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def request(self, request: AssayRequest) -> Assay:
        body = request.model_dump(mode="json")
        answer = await self._peer.post("/v1/assays", body, idempotency_key=f"assay-{request.asset_id}")
        return Assay.model_validate(answer)

    async def assay(self, assay_id: UUID) -> Assay:
        return Assay.model_validate(await self._peer.get(f"/v1/assays/{assay_id}"))

    async def audit(self, request: GuaranteeAuditRequest) -> GuaranteeAudit:
        body = request.model_dump(mode="json")
        answer = await self._peer.post("/v1/guarantee-audits", body, idempotency_key=f"audit-{request.id}")
        return GuaranteeAudit.model_validate(answer)
