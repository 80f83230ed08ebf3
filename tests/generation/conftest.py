"""Generation's dependencies on a database of its own, with collaborators that answer as a test wants."""

from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from conftest import Caller, Cluster, settings_of
from policy.examples import charter_document
from sqlalchemy import update

from moneyer_generation.app import create_app, create_dependencies
from moneyer_generation.dependencies import ITSELF, Dependencies, Flow
from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.documents.sources import SourceVersion
from moneyer_generation.forms import delivered
from moneyer_generation.settings import Settings
from moneyer_generation.store.runs import Run
from moneyer_generation.store.sources import SealedVersion
from moneyer_generation.tables import runs
from moneyer_generation.use_cases.plans import request_generation
from moneyer_generation.use_cases.sources import register_source
from moneyer_generation.work import Work
from moneyer_shared import auth, custody
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.policy import (
    DataKey,
    Decision,
    DecisionRequest,
    Permit,
    Plan,
    PopulationUnit,
    Redemption,
)
from moneyer_shared.service import Surroundings
from moneyer_shared.work import Workflow

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class PolicyThatPermits:
    """Permits everything and writes down what it was asked."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.unit: PopulationUnit | None = PopulationUnit(kind="row")
        self.redeem_error: Exception | None = None
        self.cancel_error: Exception | None = None
        self.unlock_error: Exception | None = None
        self.grants: list[dict[str, Any]] = []
        self.verdict = "permit"
        self.states: dict[UUID, Any] = {}
        self.states_error: Exception | None = None

    async def asset_states(self, assets: Sequence[UUID]) -> dict[UUID, Any]:
        if self.states_error:
            raise self.states_error
        return {asset: self.states[asset] for asset in assets if asset in self.states}

    async def population_unit(self, population_id: UUID) -> PopulationUnit | None:
        return self.unit

    async def unlock(self, asset_id: UUID, request: Any) -> DataKey:
        self.said.append(f"unlock for {request.subject}")
        if self.unlock_error:
            raise self.unlock_error
        return DataKey(id=uuid4(), key=KEY)

    async def check_reader(self, asset_id: UUID, subject: str) -> None:
        self.said.append(f"check {subject}")
        if self.unlock_error:
            raise self.unlock_error

    async def void_copy(self, asset_id: UUID, delivery_id: UUID) -> None:
        self.said.append(f"void {delivery_id}")

    async def charter_in_force(self, charter_id: UUID) -> dict[str, Any]:
        document = charter_document(prohibited_uses=["underwriting", "marketing"])
        return {"id": str(charter_id), "version": 2, "digest": "sha256:" + "1" * 64, "document": document}

    async def grants_of(self, asset_id: UUID) -> list[dict[str, Any]]:
        return self.grants

    async def new_source_key(self, request: Any) -> DataKey:
        return DataKey(id=uuid4(), key=KEY)

    async def give_back_source_key(self, request: Any) -> None:
        self.said.append(f"give back {request.resource}")

    async def decision_of(self, run_id: UUID) -> Decision:
        return self.decision(run_id)

    async def configuration_defaults(self, name: str) -> dict[str, Any]:
        return {"iterations": 321}

    async def decide(self, request: DecisionRequest) -> Decision:
        return self.decision(request.run_id)

    def decision(self, run_id: UUID) -> Decision:
        now = datetime.now(UTC)
        permit = (
            Permit(id=uuid4(), token="t", expires_at=now + timedelta(minutes=5)) if self.verdict == "permit" else None
        )
        clauses = [] if self.verdict != "deny" else [{"code": "c", "expected": "e", "actual": "a", "remedy": "r"}]
        return Decision(
            id=uuid4(), run_id=run_id, verdict=self.verdict, clauses=clauses, plan_digest="sha256:" + "0" * 64,
            charter_digest=None, decided_at=now, permit=permit,
        )  # fmt: skip

    async def redeem(self, permit_id: UUID, request: Any, *, run_id: UUID) -> Redemption:
        self.said.append("redeem")
        if self.redeem_error:
            raise self.redeem_error
        return Redemption(permit_id=permit_id, source_key=KEY, asset_key_id=uuid4(), asset_key=KEY)

    async def settle(self, permit_id: UUID, request: Any) -> None:
        self.said.append(f"settle {request.outcome}")

    async def cancel(self, permit_id: UUID) -> None:
        self.said.append("cancel")
        if self.cancel_error:
            raise self.cancel_error


class World:
    def __init__(
        self, dependencies: Dependencies, policy: PolicyThatPermits, messages: list[Any], call: Caller
    ) -> None:
        self.call = call
        self.dependencies = dependencies
        self.policy = policy
        self.messages = messages

    async def run(self, columns: Sequence[Column] | None = None, *, origin: Any = None, **changes: Any) -> Any:
        declared = SourceDeclaration(
            name=f"s-{uuid4().hex[:6]}", description="d", population_id=uuid4(),
            columns=columns or [
                Column(name="c", domain=CategoricalDomain(kind="categorical", categories=["a", "b"]), origin=origin)
            ],
        )  # fmt: skip
        async with self.dependencies.begin(Work, caller_of("steward")) as work:
            source_id = (await register_source(work, declared)).id
            version = SourceVersion(
                id=uuid4(), source_id=source_id, train_rows=100, holdout_rows=10, sealed_bytes=1, uploaded_by="s",
                uploaded_at=datetime.now(UTC),
            )  # fmt: skip
            await work.sources.add_version(SealedVersion(version, uuid4(), "t", "h"))
        made: dict[str, Any] = {
            "charter_id": uuid4(), "use_case": "u", "audience": "a", "source_id": str(source_id), "generator": "dpmm-mst",
            "rows": 10, "rationale": "r",
        }  # fmt: skip
        plan = Plan.model_validate(made | changes)
        return (await request_generation(self.flow("scientist"), plan, uuid4().hex)).id

    async def released(
        self, columns: Sequence[Column], rows: pa.Table, *, recorded: bool = True, **changes: Any
    ) -> UUID:
        """A released asset of these rows, sealed as a run seals it; without digests as of before they were taken."""
        run_id, name = await self.run(columns, rows=rows.num_rows, **changes), f"assets/{uuid4()}"
        sealed = custody.seal_table(rows.to_batches(), rows.schema, b64decode(KEY), name)
        custody.put_new(self.dependencies.objects, name, sealed)
        found = delivered(custody.unseal_table(sealed, b64decode(KEY), name)) if recorded else None
        file = AssetFile(
            rows=rows.num_rows, bytes=len(sealed), digest="sha256:" + "2" * 64, object=name, delivered=found
        )
        async with self.dependencies.begin(Work, ITSELF) as work:
            made = {"state": "released", "redeemed": True, "settled": True, "asset": file.model_dump(mode="json")}
            await work.connection.execute(update(runs).where(runs.c.id == run_id).values(made))
        self.policy.states[run_id] = "released"
        return run_id

    def flow(self, subject: str = ITSELF.subject) -> Flow:
        """What a use case of that person works with; the worker's unless said."""
        return Workflow(self.dependencies, caller_of(subject))

    async def row(self, run_id: UUID) -> Run:
        async with self.dependencies.begin(Work, ITSELF, read_only=True) as work:
            return await work.runs.run(run_id)


def caller_of(subject: str) -> auth.Caller:
    return auth.Caller(subject, subject, frozenset())


class Scripted:
    """Carries a job by saying what a test wrote down."""

    def __init__(self, told: list[Any]) -> None:
        self._told = told

    async def ready(self) -> None:
        pass

    async def messages(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        for message in self._told:
            if isinstance(message, Exception):
                raise message
            yield message

    async def aclose(self) -> None:
        pass


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], tmp_path: Path
) -> AsyncIterator[World]:
    peers = {"policy_url": "http://x", "evaluation_url": "http://x", "objects_url": (tmp_path / "o").as_uri()}
    settings = Settings.model_validate(settings_of(await cluster.fresh("generation")) | peers)
    surroundings, policy, told = around("generation", settings), PolicyThatPermits(), list[Any]()

    dependencies = create_dependencies(settings, surroundings, policy=policy, executor=Scripted(told))
    app = create_app(settings, surroundings=surroundings, dependencies=dependencies)
    yield World(dependencies, policy, told, caller(app, "generation"))
    await surroundings.database.close()
    await surroundings.http.aclose()
