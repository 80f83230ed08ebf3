"""A real MariaDB server, laid below the checkout by ``make``, with a certificate of the tests' own."""

import asyncio
import datetime as dt
import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from moneyer_local.processes import dies_with_parent

LAID = Path(__file__).parents[2] / ".servers" / "mariadb"
ADMINISTRATOR, PASSWORD = "moneyer", "password-of-the-administrator"
SYSTEM_TABLES = ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data")


class MariaDb:
    """The server: ``start`` and ``stop`` as often as a test likes; its data stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count()
        self.certificate = folder / "authority.pem"
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            self.port = int(door.getsockname()[1])

    def make(self) -> None:
        (self._folder / "data").mkdir()
        make_certificates(self._folder)
        tables = "".join((_share() / f"{name}.sql").read_text() for name in SYSTEM_TABLES)
        user = f"{ADMINISTRATOR}@'%'"
        made = f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO {user} WITH GRANT OPTION;\n"
        words = f"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n{tables}FLUSH PRIVILEGES;\n{made}"
        done = subprocess.run(
            [*self._command(), "--bootstrap"], input=words, text=True, capture_output=True, env=_environment()
        )
        assert done.returncode == 0, done.stderr[-2000:]

    async def start(self) -> None:
        said = [
            "--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self._folder / 'socket'}",
            f"--ssl-ca={self.certificate}", f"--ssl-cert={self._folder / 'server.pem'}", f"--ssl-key={self._folder / 'server.key'}",
            "--local-infile=0", "--skip-name-resolve", "--default-time-zone=+03:00", "--character-set-server=latin1",
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), *said, stdout=log, stderr=log, env=_environment(), preexec_fn=dies_with_parent(9)
            )
        for _ in range(600):
            assert self._process.returncode is None, (self._folder / "log").read_text()[-2000:]
            try:
                return self.run("SELECT 1")
            except pymysql.Error:
                await asyncio.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text()[-2000:])

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _command(self) -> list[str]:
        words = _share()
        return [
            _program(), "--no-defaults", f"--user={pwd.getpwuid(os.geteuid()).pw_name}", f"--datadir={self._folder / 'data'}",
            f"--lc-messages-dir={words}", f"--character-sets-dir={words / 'charsets'}",
            "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", f"--secure-file-priv={self._folder}",
        ]  # fmt: skip

    def asked(self, statement: str, database: str | None = None) -> Any:
        """The first row of what the administrator asks."""
        with closing(self._connected(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()

    def run(self, *statements: str, database: str | None = None) -> None:
        with closing(self._connected(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _connected(self, database: str | None) -> Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=ADMINISTRATOR, password=PASSWORD, database=database, autocommit=True,
            charset="utf8mb4", ssl_disabled=True,
        )  # fmt: skip

    def fresh(self) -> "MariaOutside":
        name, password = f"outside_{next(self._numbers)}", secrets.token_hex(12)
        self.run(
            f"CREATE DATABASE {name}",
            f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'",
        )
        return MariaOutside(self, name, password)


class MariaOutside:
    """A database of somebody else's, with a user of its name who may do what a test grants."""

    def __init__(self, server: MariaDb, name: str, password: str) -> None:
        self.server = server
        self.name = name
        self.password = password

    @property
    def target(self) -> dict[str, Any]:
        return {
            "kind": "mysql", "host": "127.0.0.1", "port": self.server.port, "database": self.name, "user": self.name,
        }  # fmt: skip

    def run(self, *statements: str) -> None:
        self.server.run(*statements, database=self.name)

    def value(self, query: str) -> Any:
        [value] = self.server.asked(query, database=self.name)
        return value


def _found() -> str | None:
    laid = LAID / "usr" / "sbin" / "mariadbd"
    return str(laid) if laid.exists() else shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")


def _program() -> str:
    found = _found()
    assert found, "There is no MariaDB server here: make .servers/mariadb/.installed (make test does)."
    return found


def _share() -> Path:
    return Path(_program()).parents[1] / "share" / "mysql"


def _environment() -> dict[str, str]:
    libraries = ":".join(str(one) for one in (LAID / "usr" / "lib").glob("*-linux-gnu"))
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries, "TZ": "UTC"}


def make_certificates(folder: Path) -> None:
    """An authority (``authority.pem``) and a server on this machine (``server.pem``, ``server.key``)."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
    hosts = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    root = _certificate(name, name, authority.public_key(), authority, x509.BasicConstraints(ca=True, path_length=0))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "database")])
    leaf = _certificate(subject, name, server.public_key(), authority, hosts)
    (folder / "authority.pem").write_bytes(root)
    (folder / "server.pem").write_bytes(leaf)
    (folder / "server.key").write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )


def _certificate(subject: x509.Name, issuer: x509.Name, public: Any, signing: Any, extension: Any) -> bytes:
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(extension, critical=False)
        .sign(signing, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="session")
async def mariadb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MariaDb]:
    if _found() is None and shutil.which("apt-get") is None:
        pytest.skip("no MariaDB here, and no Debian packages to have it from; install mariadbd")
    server = MariaDb(tmp_path_factory.mktemp("mariadb"))
    await asyncio.to_thread(server.make)
    await server.start()
    yield server
    await server.kill()
