"""Policy and evaluation, as lineage asks them for what they know of an asset."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from moneyer_shared.contracts.grounds import Provenance
from moneyer_shared.http import Peer

AT_ONCE = 50


class EvidenceClient(Protocol):
    """What lineage needs of the others to give evidence, and to hand on what the public says."""

    async def dossier(self, asset_id: UUID) -> dict[str, Any]: ...
    async def salts(self, asset_id: UUID, leaves: Sequence[UUID]) -> dict[str, str]: ...
    async def provenance(self, asset_id: UUID) -> Provenance: ...
    async def assays(self, asset_id: UUID) -> list[dict[str, Any]]: ...
    async def feedback(self, *, about: str, message: str, key: str) -> None: ...


class EvidenceOverHttp:
    """Raises the services' own problems; ``Unavailable`` when one does not answer."""

    def __init__(self, policy: Peer, evaluation: Peer) -> None:
        self._policy = policy
        self._evaluation = evaluation

    async def dossier(self, asset_id: UUID) -> dict[str, Any]:
        """Charter, votes, assessments, decision, ledger and release of an asset."""
        found: dict[str, Any] = await self._policy.get(f"/v1/assets/{asset_id}/dossier")
        return found

    async def salts(self, asset_id: UUID, leaves: Sequence[UUID]) -> dict[str, str]:
        """What opens the digests in policy's leaves about an asset, page after page."""
        found: dict[str, str] = {}
        for start in range(0, len(leaves), AT_ONCE):
            asked = "&".join(f"leaf={leaf}" for leaf in leaves[start : start + AT_ONCE])
            found |= await self._policy.get(f"/v1/assets/{asset_id}/salts?{asked}")
        return found

    async def provenance(self, asset_id: UUID) -> Provenance:
        """Charter version, votes and budget as they stood when an asset's permit was given."""
        return Provenance.model_validate(await self._policy.get(f"/v1/assets/{asset_id}/provenance"))

    async def assays(self, asset_id: UUID) -> list[dict[str, Any]]:
        """Every assay of an asset, page after page."""
        found: list[dict[str, Any]] = []
        path = f"/v1/assays?asset={asset_id}"
        while page := await self._evaluation.get(f"{path}&after={found[-1]['id']}" if found else path):
            found += page
        return found

    async def feedback(self, *, about: str, message: str, key: str) -> None:
        """What somebody outside says of an asset, for the committee to triage."""
        said = {"about_kind": "asset", "about": about, "message": message}
        await self._policy.post("/v1/feedback", said, idempotency_key=key)
