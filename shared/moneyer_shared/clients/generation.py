"""Generation, as evaluation calls it."""

from typing import Protocol
from uuid import UUID

from moneyer_shared.contracts.generation import Arrivals, HeldVersion
from moneyer_shared.http import Peer


class Generation(Protocol):
    """What evaluation needs of generation."""

    async def latest(self, source_id: UUID) -> HeldVersion: ...
    async def arrivals(self, source_id: UUID, after: UUID | None) -> Arrivals: ...


class GenerationOverHttp:
    """Raises generation's own problems; ``Unavailable`` when it does not answer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def latest(self, source_id: UUID) -> HeldVersion:
        """The newest upload of a source: where it lies and which key opens it."""
        return HeldVersion.model_validate(await self._peer.get(f"/v1/sources/{source_id}/held"))

    async def arrivals(self, source_id: UUID, after: UUID | None) -> Arrivals:
        """The upload of a source that came next after a version; without one the newest."""
        query = f"?after={after}" if after is not None else ""
        return Arrivals.model_validate(await self._peer.get(f"/v1/sources/{source_id}/arrivals{query}"))
