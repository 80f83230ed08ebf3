"""Fixtures of the whole suite: one embedded Postgres, migrated once, a database of its own for each test."""

import itertools
import os
import shutil
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import httpx
import hypothesis
import pytest
from joserfc.jwk import ECKey, KeySet

from moneyer_local import identity, postgres
from moneyer_local.errors import CannotStart
from moneyer_local.ports import Ports
from moneyer_local.processes import Supervisor
from moneyer_shared import migrations
from moneyer_shared.service import PATIENCE, Surroundings

# Machines are noisy: how long an example takes is nobody's promise.
hypothesis.settings.register_profile("moneyer", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("moneyer")

ISSUER = "http://issuer.test"
FORGOTTEN = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
"""A test's database need not survive the machine, nor live so long that it should be swept."""
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Tests speak plain HTTP, so a client need not read all the world's certificates when it is made; it trusts none."""
SERVICES = ("policy", "generation", "evaluation", "lineage")
KEY = b64encode(bytes(range(32))).decode()


def forget_cluster(root: Path) -> None:
    """Remove a test's database cluster: as root it may live outside the test's own folder."""
    shutil.rmtree(postgres.locate(root, 0).home, ignore_errors=True)


def free_ports() -> Ports:
    """A base whose doors are all free now; processes that run tests beside each other look in ranges of their own."""
    beside = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for base in range(20_000 + beside % 4 * 10_000 + os.getpid() % 200 * 40, 60_000, 40):
        try:
            Ports(base).check_free()
        except CannotStart:
            continue
        return Ports(base)
    raise RuntimeError("no free ports")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order that keeps all processors at work: each process of a run begins where its own equal share does, and takes
    from others' ends later. Stories of the one machine are the first process' first, so that it is started once; whatever
    takes long is the second's first, so that nothing long is begun when the others have nothing left.
    """
    system, long, others = list[pytest.Item](), list[pytest.Item](), list[pytest.Item]()
    for item in items:
        (system if item.get_closest_marker("system") else long if item.get_closest_marker("long") else others).append(
            item
        )
    share = len(items) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    before = max(share - len(system), 0)
    items[:] = [*system, *others[:before], *long, *others[before:]]


class Cluster:
    """A running Postgres and the templates made on it."""

    def __init__(self, root: Path, port: int, password: str) -> None:
        self.root = root
        self.port = port
        self.password = password
        self._numbers = itertools.count()
        self._made: dict[str, str] = {}
        """The databases there are, and the test that each was made for."""

    def url(self, database: str, driver: str = "postgresql") -> str:
        return f"{driver}://{postgres.SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def fresh(self, service: str) -> str:
        """The URL of a new database at the head of a service's migrations; those of earlier tests go.

        Files are copied, and those of a database that goes before they were written to the disk never are.
        """
        name, test = f"{service}_{next(self._numbers)}", os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
        gone = [other for other, owner in self._made.items() if owner != test]
        drops = [f"DROP DATABASE IF EXISTS {other} WITH (FORCE)" for other in gone]
        await self.execute(*drops, f"CREATE DATABASE {name} TEMPLATE {service}_template STRATEGY file_copy")
        self._made = {other: owner for other, owner in self._made.items() if owner == test} | {name: test}
        return self.url(name, "postgresql+asyncpg")


def make_templates(cluster: Cluster) -> None:
    for service in SERVICES:
        migrations.upgrade(f"moneyer_{service}", cluster.url(f"{service}_template", "postgresql+asyncpg"))


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    root: Path = tmp_path_factory.mktemp("cluster")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    located = postgres.locate(root, port)
    postgres.prepare(located, "test-password")
    supervisor = Supervisor(print)
    await supervisor.start(postgres.server(located, root / "postgres.log", options=FORGOTTEN))
    made = Cluster(root, port, "test-password")
    for service in SERVICES:
        await made.execute(f"CREATE DATABASE {service}_template")
    # Alembic runs its own event loop, so it runs in a thread.
    import asyncio

    await asyncio.to_thread(make_templates, made)
    yield made
    await supervisor.stop()
    forget_cluster(root)


@pytest.fixture(scope="session")
def registry() -> dict[str, object]:
    return identity.new_registry()


@pytest.fixture(scope="session")
def token(registry: dict[str, object]) -> Callable[..., str]:
    """``token(service, person)``: a real signed token; ``scope=`` overrides what the person may do."""

    def make(service: str, person: str, **options: object) -> str:
        claims = {"issuer": ISSUER, "client": person, "audience": f"moneyer-{service}"} | options
        return identity.sign_token(registry, **claims)

    return make


@pytest.fixture(scope="session")
def around(registry: dict[str, object]) -> Callable[..., Surroundings]:
    """Surroundings whose keys come from the registry and whose peers are not there unless given."""

    def make(name: str, settings: object, http: httpx.AsyncClient | None = None) -> Surroundings:
        public = ECKey.import_key(registry["key"]).as_dict(private=False)

        async def keys() -> KeySet:
            return KeySet.import_key_set({"keys": [public]})

        http = http or httpx.AsyncClient(timeout=PATIENCE, verify=PLAIN)
        return Surroundings(name, settings, http=http, fetch_keys=keys)

    return make


def settings_of(url: str) -> dict[str, object]:
    return {
        "database_url": url,
        "issuer": ISSUER,
        "token_url": f"{ISSUER}/token",
        "client_id": "test",
        "client_secret": "test",
        "lineage_url": "",
    }


class Caller:
    """Speaks to one in-process application as anybody."""

    def __init__(self, app: object, service: str, token: Callable[..., str]) -> None:
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service.test")
        self._service = service
        self._token = token

    async def __call__(
        self, person: str, method: str, path: str, *, scope: str | None = None, **options: object
    ) -> httpx.Response:
        """As somebody of the cast; or as anybody at all, with the scopes that are given."""
        bearer = self._token(self._service, person, scope=scope)
        headers = {"Authorization": f"Bearer {bearer}"} | dict(options.pop("headers", {}))
        return await self._http.request(method, path, headers=headers, **options)

    async def bare(self, method: str, path: str, **options: object) -> httpx.Response:
        return await self._http.request(method, path, **options)


@pytest.fixture
def caller(token: Callable[..., str]) -> Callable[..., Caller]:
    return lambda app, service: Caller(app, service, token)
