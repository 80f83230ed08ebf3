"""Policy, as generation and evaluation call it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from moneyer_shared.contracts.policy import (
    AssayKeys,
    AssayKeysRequest,
    AssetState,
    AssetStateName,
    Condemnation,
    DataKey,
    Decision,
    DecisionRequest,
    Finding,
    FindingRequest,
    KeyRequest,
    KeyReturn,
    PopulationUnit,
    RedeemRequest,
    Redemption,
    Release,
    ReleaseRequest,
    SettleRequest,
    UnlockRequest,
)
from moneyer_shared.http import Peer


class Policy(Protocol):
    """What the other services need of policy."""

    async def population_unit(self, population_id: UUID) -> PopulationUnit | None: ...
    async def new_source_key(self, request: KeyRequest) -> DataKey: ...
    async def give_back_source_key(self, request: KeyReturn) -> None: ...
    async def decide(self, request: DecisionRequest) -> Decision: ...
    async def decision_of(self, run_id: UUID) -> Decision: ...
    async def configuration_defaults(self, name: str) -> dict[str, Any]: ...
    async def redeem(self, permit_id: UUID, request: RedeemRequest, *, run_id: UUID) -> Redemption: ...
    async def settle(self, permit_id: UUID, request: SettleRequest) -> None: ...
    async def cancel(self, permit_id: UUID) -> None: ...
    async def unlock(self, asset_id: UUID, request: UnlockRequest) -> DataKey: ...
    async def check_reader(self, asset_id: UUID, subject: str) -> None: ...
    async def void_copy(self, asset_id: UUID, delivery_id: UUID) -> None: ...
    async def charter_in_force(self, charter_id: UUID) -> dict[str, Any]: ...
    async def grants_of(self, asset_id: UUID) -> list[dict[str, Any]]: ...
    async def assay_keys(self, permit_id: UUID, request: AssayKeysRequest) -> AssayKeys: ...
    async def release(self, request: ReleaseRequest) -> Release: ...
    async def release_of(self, asset_id: UUID) -> Release: ...
    async def report(self, request: FindingRequest) -> Finding: ...
    async def asset_states(self, assets: Sequence[UUID]) -> Mapping[UUID, AssetStateName]: ...
    async def condemn(self, request: Condemnation) -> None: ...


class PolicyOverHttp:
    """Raises policy's own problems; ``Unavailable`` when it does not answer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def population_unit(self, population_id: UUID) -> PopulationUnit | None:
        """The declared privacy unit of a population; None where none was declared.

        Raises:
            NotFound: there is no such population.
        """
        unit = (await self._peer.get(f"/v1/populations/{population_id}"))["unit"]
        return None if unit["kind"] == "undeclared" else PopulationUnit.model_validate(unit)

    async def new_source_key(self, request: KeyRequest) -> DataKey:
        # Never repeated: a key is handed out once, and a lost answer costs an unused key.
        return DataKey.model_validate(await self._peer.post("/v1/keys", request.model_dump(mode="json")))

    async def give_back_source_key(self, request: KeyReturn) -> None:
        body = request.model_dump(mode="json")
        await self._peer.post("/v1/keys:give-back", body, idempotency_key=f"give-back-{request.resource}")

    async def decide(self, request: DecisionRequest) -> Decision:
        body = request.model_dump(mode="json")
        answer = await self._peer.post("/v1/decisions", body, idempotency_key=f"decide-{request.run_id}")
        return Decision.model_validate(answer)

    async def decision_of(self, run_id: UUID) -> Decision:
        return Decision.model_validate(await self._peer.get(f"/v1/runs/{run_id}/decision"))

    async def configuration_defaults(self, name: str) -> dict[str, Any]:
        """The parameters that the library's approved configuration of a name gives a plan."""
        entry = await self._peer.get(f"/v1/configurations/{name}")
        return dict(entry["document"].get("defaults", {}))

    async def redeem(self, permit_id: UUID, request: RedeemRequest, *, run_id: UUID) -> Redemption:
        answer = await self._peer.post(
            f"/v1/permits/{permit_id}:redeem",
            request.model_dump(mode="json"),
            idempotency_key=f"redeem-{run_id}",
        )
        return Redemption.model_validate(answer)

    async def settle(self, permit_id: UUID, request: SettleRequest) -> None:
        body = request.model_dump(mode="json")
        await self._peer.post(f"/v1/permits/{permit_id}:settle", body, idempotency_key=f"settle-{permit_id}")

    async def cancel(self, permit_id: UUID) -> None:
        await self._peer.post(f"/v1/permits/{permit_id}:cancel", {}, idempotency_key=f"cancel-{permit_id}")

    async def unlock(self, asset_id: UUID, request: UnlockRequest) -> DataKey:
        body = request.model_dump(mode="json", exclude_none=True)
        return DataKey.model_validate(await self._peer.post(f"/v1/assets/{asset_id}:unlock", body))

    async def check_reader(self, asset_id: UUID, subject: str) -> None:
        """That somebody may read an asset now; nothing is opened.

        Raises:
            NotFound, Forbidden, Gone: they may not, as ``unlock`` would refuse them.
        """
        await self._peer.post(f"/v1/assets/{asset_id}:check-reader", {"subject": subject})

    async def void_copy(self, asset_id: UUID, delivery_id: UUID) -> None:
        """Say that a delivery an asset was opened for left nothing outside custody."""
        path = f"/v1/assets/{asset_id}/copies/{delivery_id}:void"
        await self._peer.post(path, {}, idempotency_key=f"void-{delivery_id}")

    async def charter_in_force(self, charter_id: UUID) -> dict[str, Any]:
        """The version of a charter that is in force now: ``id``, ``version``, ``digest``, ``document`` and more.

        Raises:
            NotFound: none is.
        """
        return dict(await self._peer.get(f"/v1/charters/{charter_id}/in-force"))

    async def grants_of(self, asset_id: UUID) -> list[dict[str, Any]]:
        """Who may read an asset: ``subject``, ``use_case``, ``valid_until`` and more."""
        return list(await self._peer.get(f"/v1/assets/{asset_id}/grants"))

    async def assay_keys(self, permit_id: UUID, request: AssayKeysRequest) -> AssayKeys:
        answer = await self._peer.post(
            f"/v1/permits/{permit_id}:open-for-assay",
            request.model_dump(mode="json"),
            idempotency_key=f"{request.purpose}-{permit_id}",
        )
        return AssayKeys.model_validate(answer)

    async def release(self, request: ReleaseRequest) -> Release:
        body = request.model_dump(mode="json")
        answer = await self._peer.post("/v1/releases", body, idempotency_key=f"release-{request.assay_id}")
        return Release.model_validate(answer)

    async def report(self, request: FindingRequest) -> Finding:
        body = request.model_dump(mode="json")
        return Finding.model_validate(
            await self._peer.post("/v1/findings", body, idempotency_key=f"finding-{request.evidence}")
        )

    async def condemn(self, request: Condemnation) -> None:
        body = request.model_dump(mode="json")
        await self._peer.post("/v1/condemnations", body, idempotency_key=f"condemn-{request.audit_id}")

    async def asset_states(self, assets: Sequence[UUID]) -> Mapping[UUID, AssetStateName]:
        found = await self._peer.get("/v1/assets?" + "&".join(f"asset={one}" for one in assets))
        return {one.asset_id: one.state for one in map(AssetState.model_validate, found)}

    async def release_of(self, asset_id: UUID) -> Release:
        return Release.model_validate(await self._peer.get(f"/v1/assets/{asset_id}/release"))
