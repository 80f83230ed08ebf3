"""The stack of one data directory: what is kept, in which order it starts, and what it is told."""

import asyncio
import fcntl
import json
import os
import secrets
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import asyncpg
import httpx

from moneyer_local import identity, postgres
from moneyer_local.errors import CannotStart
from moneyer_local.ports import Ports
from moneyer_local.processes import ChildSpec, Ready, Say, Supervisor, python

SERVICES = ("policy", "generation", "evaluation", "lineage")
WORKERS = ("generation", "evaluation")
LAYOUT_VERSION = 2


@dataclass(frozen=True)
class Secrets:
    """What is made once, at the first start, and kept readable by its owner alone."""

    superuser_password: str
    service_passwords: Mapping[str, str]
    master_key: str
    signing_key: str
    checkpoint_key: str
    webhook_key: str
    session_key: str
    registry: Mapping[str, Any]


class Directory:
    """A data directory: locked while in use, made whole or refused."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._lock: IO[str] | None = None

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def open(self) -> Secrets:
        """Take the directory, making it at the first start.

        Raises:
            CannotStart: it is in use, or holds something else.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        strangers = [entry.name for entry in self.root.iterdir() if entry.name != "lock"]
        marker = self.root / "moneyer.json"
        if strangers and not marker.exists():
            message = (
                f"{self.root} holds {strangers[0]} but no moneyer.json: it is not a moneyer data "
                "directory, or its first start was cut short. Choose another --data, or empty it."
            )
            raise CannotStart(message)
        self._take()
        if not marker.exists():
            self._make(marker)
        kept = json.loads(marker.read_text())
        if kept.pop("layout") != LAYOUT_VERSION:
            message = f"{self.root} was made by another version of moneyer."
            raise CannotStart(message)
        for folder in (self.objects, self.logs):
            folder.mkdir(exist_ok=True, mode=0o700)
        if missing := {"webhook_key", "session_key"} - set(kept):
            # An earlier version made this directory: it called nobody, or had no pages.
            kept |= {name: _key() for name in missing}
            _write_private(marker, {"layout": LAYOUT_VERSION, **kept})
        if kept["registry"] != (completed := identity.complete(kept["registry"])):
            kept["registry"] = completed
            _write_private(marker, {"layout": LAYOUT_VERSION, **kept})
        return Secrets(**kept)

    def _take(self) -> None:
        self._lock = (self.root / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            message = f"Another moneyer runs on {self.root}."
            raise CannotStart(message) from error

    def _make(self, marker: Path) -> None:
        made = {
            "layout": LAYOUT_VERSION,
            "superuser_password": secrets.token_urlsafe(24),
            "service_passwords": {name: secrets.token_urlsafe(24) for name in SERVICES},
            "master_key": _key(),
            "signing_key": _key(),
            "checkpoint_key": _key(),
            "webhook_key": _key(),
            "session_key": _key(),
            "registry": identity.new_registry(),
        }
        _write_private(marker, made)

    def write_client(self, ports: Ports, registry: Mapping[str, Any]) -> None:
        """What the client needs to speak as the people of this machine."""
        people = {name: registry["clients"][name]["secret"] for name in identity.PEOPLE}
        urls = {name: ports.url(name) for name in SERVICES}
        issuer = ports.url("identity")
        told = {"issuer": issuer, "token_url": f"{issuer}/token", "services": urls, "people": people}
        _write_private(self.root / "client.json", told)
        _write_private(self.root / "registry.json", registry)

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()


def _key() -> str:
    return b64encode(os.urandom(32)).decode()


def _write_private(path: Path, content: Any) -> None:
    """Whole or not at all, readable by the owner alone."""
    staging = path.with_suffix(".new")
    staging.unlink(missing_ok=True)
    staging.touch(mode=0o600)
    staging.write_text(json.dumps(content))
    staging.replace(path)


class Stack:
    """Everything running; an async context manager."""

    def __init__(
        self,
        data: Path,
        *,
        ports: Ports | None = None,
        say: Say = print,
        log_level: str = "INFO",
        overrides: Mapping[str, str] | None = None,
        workers: tuple[str, ...] = WORKERS,
    ) -> None:
        self.directory = Directory(data)
        self.ports = ports or Ports()
        self.supervisor = Supervisor(say)
        self._say = say
        self._log_level = log_level
        self._overrides = dict(overrides or {})
        self._workers = workers
        self.secrets: Secrets

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        await self.supervisor.stop()
        self.directory.close()

    async def _start(self) -> None:
        self.secrets = self.directory.open()
        self.ports.check_free()
        await self.start_database()
        self.directory.write_client(self.ports, self.secrets.registry)
        await self.supervisor.start(self._identity())
        self._say("migrating the four databases")
        await asyncio.gather(*(self._migrate(name) for name in SERVICES))
        # Lineage first: the others deliver to it from their first breath.
        await asyncio.gather(*(self.supervisor.start(self.api(name)) for name in reversed(SERVICES)))
        await self.supervisor.start(self.console())
        for name in self._workers:
            await self.supervisor.start(self.worker(name))

    async def start_database(self) -> None:
        cluster = postgres.locate(self.directory.root, self.ports.of("postgres"))
        await asyncio.to_thread(postgres.prepare, cluster, self.secrets.superuser_password)
        self._say(f"PostgreSQL on 127.0.0.1:{cluster.port}")
        await self.supervisor.start(postgres.server(cluster, self.directory.logs / "postgres.log"))
        await create_databases(self.superuser_url(), self.secrets.service_passwords)

    def superuser_url(self, database: str = "postgres") -> str:
        port, password = self.ports.of("postgres"), self.secrets.superuser_password
        return f"postgresql://{postgres.SUPERUSER}:{password}@127.0.0.1:{port}/{database}"

    def database_url(self, service: str) -> str:
        name, password = f"moneyer_{service}", self.secrets.service_passwords[service]
        return f"postgresql+asyncpg://{name}:{password}@127.0.0.1:{self.ports.of('postgres')}/{name}"

    def environment(self, service: str) -> dict[str, str]:
        """What one service is told; its secrets and no other's."""
        prefix = f"MONEYER_{service.upper()}_"
        told = {
            "DATABASE_URL": self.database_url(service),
            "ISSUER": self.ports.url("identity"),
            "TOKEN_URL": f"{self.ports.url('identity')}/token",
            "CLIENT_ID": service,
            "CLIENT_SECRET": self.secrets.registry["clients"][service]["secret"],
            "LINEAGE_URL": self.ports.url("lineage"),
            "PORT": str(self.ports.of(service)),
            "LOG_LEVEL": self._log_level,
        } | self._own_settings(service)
        return self._surroundings(prefix, told)

    def _surroundings(self, prefix: str, told: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return inherited | {prefix + name: value for name, value in told.items()} | self._overrides

    def _own_settings(self, service: str) -> dict[str, str]:
        objects = self.directory.objects.as_uri()
        match service:
            case "policy":
                return {
                    "MASTER_KEY": self.secrets.master_key,
                    "SIGNING_KEY": self.secrets.signing_key,
                    "VAULT": str(self.directory.root / "vault"),
                    "VAULT_BACKUPS_KEPT": "PT0S",
                }
            case "generation":
                return {
                    "POLICY_URL": self.ports.url("policy"),
                    "EVALUATION_URL": self.ports.url("evaluation"),
                    "OBJECTS_URL": objects,
                }
            case "evaluation":
                return {
                    "POLICY_URL": self.ports.url("policy"),
                    "GENERATION_URL": self.ports.url("generation"),
                    "OBJECTS_URL": objects,
                }
            case _:
                return {
                    "POLICY_URL": self.ports.url("policy"),
                    "EVALUATION_URL": self.ports.url("evaluation"),
                    "CHECKPOINT_KEY": self.secrets.checkpoint_key,
                    "WEBHOOK_KEY": self.secrets.webhook_key,
                    "WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
                }

    def api(self, service: str) -> ChildSpec:
        return ChildSpec(
            name=service,
            command=python("-m", f"moneyer_{service}", "api"),
            log=self.directory.logs / f"{service}.log",
            environment=self.environment(service),
            ready=answers(f"{self.ports.url(service)}/readyz"),
        )

    def worker(self, service: str) -> ChildSpec:
        return replace(
            self.api(service),
            name=f"{service}-worker",
            command=python("-m", f"moneyer_{service}", "worker"),
            log=self.directory.logs / f"{service}-worker.log",
            ready=None,
        )

    def console(self) -> ChildSpec:
        """The console: it holds no database's password, and speaks as whoever is signed in."""
        told = {
            "ISSUER": self.ports.url("identity"),
            "CLIENT_ID": "console",
            "CLIENT_SECRET": self.secrets.registry["clients"]["console"]["secret"],
            "PUBLIC_URL": self.ports.url("console"),
            "SESSION_KEY": self.secrets.session_key,
            "ENDED_SESSIONS": str(self.directory.root / "ended-sessions"),
            "PORT": str(self.ports.of("console")),
            "LOG_LEVEL": self._log_level,
        } | {f"{name.upper()}_URL": self.ports.url(name) for name in SERVICES}
        return ChildSpec(
            name="console",
            command=python("-m", "moneyer_console", "api"),
            log=self.directory.logs / "console.log",
            environment=self._surroundings("MONEYER_CONSOLE_", told),
            ready=answers(f"{self.ports.url('console')}/readyz"),
        )

    def _identity(self) -> ChildSpec:
        url = self.ports.url("identity")
        return ChildSpec(
            name="identity",
            command=python("-m", "moneyer_local.identity"),
            log=self.directory.logs / "identity.log",
            environment={
                "PATH": os.environ.get("PATH", ""),
                "MONEYER_IDENTITY_REGISTRY": str(self.directory.root / "registry.json"),
                "MONEYER_IDENTITY_ISSUER": url,
                "MONEYER_IDENTITY_CONSOLE_URL": self.ports.url("console"),
            },
            ready=answers(f"{url}/readyz"),
        )

    async def _migrate(self, service: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *python("-m", f"moneyer_{service}", "migrate"),
            env=self.environment(service),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await process.communicate()
        if process.returncode != 0:
            message = f"{service}'s database could not be migrated:\n{stderr.decode()[-2000:]}"
            raise CannotStart(message)


def answers(url: str) -> Ready:
    """Asked twenty times a second, in plain HTTP: no certificates are read for that, and none is trusted."""
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def ready() -> bool:
        async with httpx.AsyncClient(timeout=2, verify=plain) as http:
            try:
                return (await http.get(url)).is_success
            except httpx.TransportError:
                return False

    return ready


async def create_databases(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """One role and one database per service, each blind to the others (as deploy/postgres/roles.sql)."""
    connection = await asyncpg.connect(superuser_url)
    try:
        for service, password in passwords.items():
            name = f"moneyer_{service}"
            if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name) is None:
                await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
                await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
                await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    finally:
        await connection.close()
