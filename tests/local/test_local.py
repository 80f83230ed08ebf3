"""The one-machine runner: a second start, taken ports, half-made directories, children that die, ordinary users."""

import asyncio
import dataclasses
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import forget_cluster, free_ports

from moneyer import Moneyer, Refused, calls
from moneyer_local import postgres
from moneyer_local.errors import CannotStart
from moneyer_local.ports import Ports
from moneyer_local.processes import ChildSpec, Supervisor, python
from moneyer_local.stack import Directory, Stack


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose cluster is forgotten afterwards, wherever it lived."""
    yield tmp_path
    forget_cluster(tmp_path)


@pytest.mark.long
async def test_a_second_start_finds_yesterdays_state(data: Path) -> None:
    for day in range(2):
        async with Stack(data, ports=free_ports(), workers=()):
            with Moneyer.from_directory(data, person="steward") as client:
                if day == 0:
                    call = calls.create_population("kept", privacy_unit="row", epsilon="1", delta="0.000001")
                    await asyncio.to_thread(client.send, call)
                found = await asyncio.to_thread(client.send, calls.list_populations())
        assert [population["name"] for population in found] == ["kept"]
    secret = (data / "moneyer.json").stat().st_mode
    assert secret & 0o077 == 0, "secrets are their owner's alone"


def test_a_taken_port_is_named() -> None:
    ports = free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.of("policy")))
        taken.listen()
        with pytest.raises(CannotStart, match=f"{ports.of('policy')}.*policy.*--port-base"):
            ports.check_free()
    Ports(ports.base).check_free()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("\\documentclass{book}")
    with pytest.raises(CannotStart, match=r"thesis\.tex"):
        Directory(tmp_path).open()
    assert (tmp_path / "thesis.tex").read_text()


def test_two_cannot_share_a_directory(tmp_path: Path) -> None:
    first = Directory(tmp_path)
    first.open()
    with pytest.raises(CannotStart, match="Another moneyer"):
        Directory(tmp_path).open()
    first.close()
    second = Directory(tmp_path)
    second.open()
    second.close()


def test_a_half_made_cluster_is_said_and_kept(data: Path) -> None:
    cluster = postgres.locate(data, 1)
    cluster.data.mkdir(parents=True)
    (cluster.data / "something").write_text("kept")
    with pytest.raises(CannotStart, match="not a whole database cluster"):
        postgres.prepare(cluster, "secret")
    assert (cluster.data / "something").read_text() == "kept"


def test_the_command_line_says_why_it_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "stranger").touch()
    program = Path(sys.executable).parent / "moneyer"
    ended = subprocess.run(
        [program, "up", "--data", tmp_path, "--port-base", str(free_ports().base)], capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "Cannot start" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_child_that_dies_is_restarted_and_said(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(told.append)
    log = tmp_path / "child.log"
    script = f"import time; open({str(log)!r} + '.started', 'a').write('x'); time.sleep(60)"
    await supervisor.start(ChildSpec("child", python("-c", script), log))
    started = Path(f"{log}.started")

    async def count(wanted: int) -> None:
        async with asyncio.timeout(15):
            while not started.exists() or len(started.read_text()) < wanted:
                await asyncio.sleep(0.05)

    await count(1)
    os.kill(supervisor.pid("child"), signal.SIGKILL)
    await count(2)
    assert any("child ended" in line and "again" in line for line in told)
    pid = supervisor.pid("child")
    await supervisor.stop()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.long
def test_ctrl_c_stops_everything_and_a_killed_runner_leaves_nobody(data: Path) -> None:
    program, ports = str(Path(sys.executable).parent / "moneyer"), free_ports()
    for ending in (signal.SIGINT, signal.SIGKILL):
        runner = subprocess.Popen(
            [program, "up", "--data", str(data), "--port-base", str(ports.base)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        lines = iter(runner.stdout)
        assert any("moneyer is up" in line for line in lines)
        members = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _ancestor(pid, runner.pid)]
        assert len(members) >= 8, "four services, two workers, identity, postgres"
        runner.send_signal(ending)
        rest = list(lines)
        runner.stdout.close()
        status = runner.wait(30)
        if ending == signal.SIGINT:
            assert status == 0
            assert any("stopped" in line for line in rest)
        _until_gone(members)
        ports.check_free()


def _ancestor(pid: int, of: int) -> bool:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return False
        if pid == of:
            return True
    return False


def _until_gone(pids: list[int]) -> None:
    import time

    for _ in range(300):
        if not any(Path(f"/proc/{pid}").exists() and "Z" not in _state(pid) for pid in pids):
            return
        time.sleep(0.1)
    raise AssertionError([pid for pid in pids if Path(f"/proc/{pid}").exists()])


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def test_root_and_an_ordinary_user_both_get_a_database() -> None:
    """As root, the suite's own cluster runs as nobody, and here a whole runner does; as an ordinary user
    the suite's own cluster is the proof.
    """
    if os.geteuid() != 0:
        assert postgres.locate(Path("/tmp/anywhere"), 1).identity is None
        return
    entry = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        cluster = postgres.Cluster(
            home, home / "programs" / "pginstall", _free_port(), postgres.Identity(entry.pw_uid, entry.pw_gid)
        )
        # A folder and programs that an ordinary user owns, wherever this suite itself was installed.
        postgres._copy_binaries(cluster)
        for path in (Path(folder), home):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        child = os.fork()
        if child == 0:
            os._exit(_start_as(entry, dataclasses.replace(cluster, identity=None)))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert home.stat().st_mode & 0o777 == 0o700
        assert (cluster.data / "PG_VERSION").stat().st_uid == entry.pw_uid


def _start_as(entry: pwd.struct_passwd, cluster: postgres.Cluster) -> int:
    """In a forked child: become the user, make a cluster, start it, stop it."""

    async def live() -> None:
        supervisor = Supervisor(print)
        await supervisor.start(postgres.server(cluster, cluster.home / "log"), timeout_seconds=30)
        await supervisor.stop()

    try:
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.chdir(cluster.home)
        postgres.prepare(cluster, "secret")
        asyncio.run(live())
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def test_a_refusal_is_readable() -> None:
    problem = {
        "code": "plan-denied",
        "detail": "no",
        "reasons": [{"code": "rows.allowed", "remedy": "ask for fewer rows"}],
    }
    refusal = Refused(403, problem)
    assert refusal.reasons[0]["remedy"] == "ask for fewer rows"
    assert "403 plan-denied" in str(refusal)
