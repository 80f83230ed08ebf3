"""What attackers meet: each service on a database of its own, and tokens of real roles."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from conftest import SERVICES, Caller, Cluster
from evaluation.conftest import world as evaluation
from generation.conftest import PolicyThatPermits
from generation.conftest import world as works
from generation.intake.conftest import World as Factory
from generation.intake.conftest import make_world
from generation.intake.conftest import world as intake
from lineage.conftest import world as lineage
from policy.conftest import World, sibling_of
from policy.conftest import world as policy

from moneyer_local import identity
from moneyer_shared.service import Surroundings

__all__ = ["evaluation", "generation", "intake", "lineage", "policy", "policy_sibling", "works"]
OPENAPI = Path(__file__).parents[2] / "openapi"
SOMETHING = str(UUID(int=7))


def every_scope() -> str:
    """Whoever may do everything is still refused what nobody may do."""
    granted = (*identity.PEOPLE.values(), *identity.SERVICES.values())
    return " ".join(sorted({scope for scopes in granted for scope in scopes.split()}))


@dataclass(frozen=True)
class Route:
    """One operation of one service's document, its path filled in with names of nothing."""

    service: str
    method: str
    path: str
    operation: dict[str, Any]

    @property
    def media(self) -> list[str]:
        return sorted(self.operation.get("requestBody", {}).get("content", {}))

    @property
    def public(self) -> bool:
        return not any(entry for entry in self.operation.get("security", []))


def routes(service: str | None = None) -> Iterator[Route]:
    """Every operation of the four OpenAPI documents, or of one."""
    for name in SERVICES if service is None else (service,):
        document = json.loads((OPENAPI / f"{name}.json").read_text())
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                filled = path
                for entry in operation.get("parameters", []):
                    if entry["in"] == "path":
                        filled = filled.replace("{" + entry["name"] + "}", _something(entry))
                yield Route(name, method.upper(), filled, operation)


def _something(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    if "enum" in schema or "const" in schema:
        return str((schema.get("enum") or [schema.get("const")])[0])
    if schema.get("type") == "integer":
        return "1"
    return SOMETHING if schema.get("format") == "uuid" else "plant" if parameter["name"] == "registry" else "x"


class Service:
    """One service, whoever speaks to it, and its database behind its back."""

    def __init__(self, name: str, world: Any, token: Callable[..., str]) -> None:
        self.name = name
        self.app = world.app
        self.url = world.url
        self._bare = world.call.bare
        self._token = token

    def bearer(self, **changes: Any) -> dict[str, str]:
        options = {"scope": every_scope()} | changes
        return {"Authorization": f"Bearer {self._token(self.name, options.pop('person', 'anybody'), **options)}"}

    async def send(self, method: str, path: str, **options: Any) -> Any:
        """As somebody who may do everything."""
        headers = self.bearer() | options.pop("headers", {})
        return await self._bare(method, path, headers=headers, **options)

    async def bare(self, method: str, path: str, **options: Any) -> Any:
        return await self._bare(method, path, **options)

    async def rows(self) -> int:
        """How many rows all tables hold together."""
        connection = await asyncpg.connect(self.url)
        try:
            tables = await connection.fetch(
                "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
            )
            return sum([await connection.fetchval(f"SELECT count(*) FROM {table[0]}") for table in tables])
        finally:
            await connection.close()


@pytest.fixture
async def services(
    policy: Any, intake: Any, evaluation: Any, lineage: Any, token: Callable[..., str]
) -> AsyncIterator[dict[str, Service]]:
    worlds = {"policy": policy, "generation": intake, "evaluation": evaluation, "lineage": lineage}
    yield {name: Service(name, world, token) for name, world in worlds.items()}


@pytest.fixture
async def generation(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], tmp_path: Path
) -> AsyncIterator[Factory]:
    """Generation with a policy that permits every plan."""
    async with make_world(cluster, around, caller, tmp_path, PolicyThatPermits()) as made:
        yield made


@pytest.fixture
async def policy_sibling(
    policy: World, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> AsyncIterator[World]:
    """Another process of policy on the same database."""
    made = sibling_of(policy, around, caller)
    yield made
    await made.dependencies.database.close()
