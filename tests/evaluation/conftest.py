"""Evaluation on a database and an object store of its own, with a clock the test holds and peers that answer as told."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from conftest import Caller, Cluster, settings_of
from evaluation.test_measures import DECLARATION

from moneyer_evaluation.app import create_app, create_dependencies
from moneyer_evaluation.dependencies import ITSELF, Dependencies
from moneyer_evaluation.settings import Settings
from moneyer_evaluation.use_cases.assays import carry_assay
from moneyer_shared import custody
from moneyer_shared.contracts.generation import Arrivals, HeldVersion, MissedPull, SourceDeclaration
from moneyer_shared.contracts.policy import (
    AssayKeys,
    AssayKeysRequest,
    Condemnation,
    Finding,
    FindingRequest,
    Release,
    ReleaseRequest,
)
from moneyer_shared.errors import MoneyerError
from moneyer_shared.exact import arrow_schema
from moneyer_shared.figures import Precision
from moneyer_shared.service import Surroundings
from moneyer_shared.work import Workflow

KEY = bytes(range(32))
EVERYTHING = "evaluation:read evaluation:assays:write evaluation:reassays:write evaluation:monitors:write evaluation:scores:write evaluation:shares:write evaluation:raw:read"


class Peers:
    """Policy and generation as evaluation meets them; ``refuses`` is raised instead of the next answer."""

    def __init__(self) -> None:
        self.refuses: MoneyerError | None = None
        self.suite: str | None = None
        self.figures: Precision = "rounded"
        self.opened: list[AssayKeysRequest] = []
        self.found: list[FindingRequest] = []
        self.condemned: list[Condemnation] = []
        self.verdict = "released"
        self.held: HeldVersion | None = None
        self.came: list[HeldVersion] = []
        self.missed: MissedPull | None = None

    def _answer(self) -> None:
        if self.refuses is not None:
            refused, self.refuses = self.refuses, None
            raise refused

    async def assay_keys(self, permit_id: UUID, request: AssayKeysRequest) -> AssayKeys:
        del permit_id
        self._answer()
        self.opened.append(request)
        key = b64encode(KEY).decode()
        return AssayKeys(
            source_key=key, asset_key=key, others=dict.fromkeys(map(str, request.others), key), suite=self.suite,
            figures=self.figures,
        )  # fmt: skip

    async def release(self, request: ReleaseRequest) -> Release:
        self._answer()
        return Release.model_validate(
            {
                "id": uuid4(), "asset_id": request.asset_id, "assay_id": request.assay_id, "verdict": self.verdict,
                "criteria": [], "charter_digest": "sha256:0", "decided_at": datetime.now(UTC),
            }
        )  # fmt: skip

    async def report(self, request: FindingRequest) -> Finding:
        self._answer()
        self.found.append(request)
        breached = any(not one.met for one in request.breaches)
        return Finding.model_validate(
            {
                "asset_id": request.asset_id, "cause": request.cause, "evidence": request.evidence,
                "verdict": "review" if breached else "stands", "criteria": [one.model_dump() for one in request.breaches],
                "triggered": [], "review_id": uuid4() if breached else None,
            }
        )  # fmt: skip

    async def condemn(self, request: Condemnation) -> None:
        self._answer()
        self.condemned.append(request)

    async def latest(self, source_id: UUID) -> HeldVersion:
        del source_id
        self._answer()
        assert self.held is not None
        return self.held

    async def arrivals(self, source_id: UUID, after: UUID | None) -> Arrivals:
        """As generation answers: without ``after`` the newest, which ``held`` is."""
        del source_id
        self._answer()
        if self.held is not None and self.held not in self.came:
            self.came.append(self.held)
        places = [one.version_id for one in self.came]
        following = self.came[-1:] if after is None else self.came[places.index(after) + 1 :]
        return Arrivals(following=next(iter(following), None), missed=self.missed)


class World:
    """Evaluation as people and services meet it."""

    def __init__(
        self, dependencies: Dependencies, peers: Peers, call: Callable[..., Any], app: Any, speak: Caller, url: str
    ) -> None:
        self.dependencies = dependencies
        self.flow = Workflow(dependencies, ITSELF)
        self.peers = peers
        self.call = speak
        self._call = call
        self.app = app
        self.call = speak
        self.url = url.replace("+asyncpg", "")
        self.source_id = uuid4()

    def seal(self, name: str, table: pa.Table, declaration: SourceDeclaration = DECLARATION) -> str:
        schema = arrow_schema(declaration.columns)
        sealed = custody.seal_table(table.cast(schema).to_batches(), schema, KEY, name)
        custody.put_new(self.dependencies.objects, name, sealed)
        return name

    async def send(self, method: str, path: str, status: int, body: Any = None, **options: Any) -> Any:
        headers = {"Idempotency-Key": options.pop("key", uuid4().hex)}
        answer = await self._call(method, path, json=body, headers=headers, **options)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json()

    async def get(self, path: str, status: int = 200) -> Any:
        return await self.send("GET", path, status)

    async def assayed(self, train: pa.Table, holdout: pa.Table, asset: pa.Table, **more: Any) -> UUID:
        """An asset judged for its release; its id."""
        asset_id = uuid4()
        body = {
            "asset_id": str(asset_id), "permit_id": str(uuid4()), "source_id": str(self.source_id),
            "declaration": DECLARATION.model_dump(mode="json"), "suite": "copies-1", **more,
            "train_object": self.seal(f"{asset_id}/train", train), "holdout_object": self.seal(f"{asset_id}/holdout", holdout),
            "asset_object": self.seal(f"{asset_id}/asset", asset),
        }  # fmt: skip
        made = await self.send("POST", "/v1/assays", 202, body)
        await carry_assay(self.flow, UUID(made["id"]))
        return asset_id


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], token: Any, tmp_path: Path
) -> AsyncIterator[World]:
    told = {"policy_url": "http://x", "generation_url": "http://x", "objects_url": (tmp_path / "o").as_uri()}
    url = await cluster.fresh("evaluation")
    settings = Settings.model_validate(settings_of(url) | told)
    surroundings, peers = around("evaluation", settings), Peers()
    dependencies = create_dependencies(settings, surroundings, policy=peers, generation=peers)
    app = create_app(settings, surroundings=surroundings, dependencies=dependencies)
    speak = caller(app, "evaluation")

    async def call(method: str, path: str, **options: Any) -> Any:
        bearer = token("evaluation", "tester", scope=EVERYTHING)
        headers = {"Authorization": f"Bearer {bearer}"} | options.pop("headers", {})
        return await speak.bare(method, path, headers=headers, **options)

    yield World(dependencies, peers, call, app, speak, url)
    await surroundings.database.close()
    await surroundings.http.aclose()
