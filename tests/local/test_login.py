"""``moneyer login`` on a real stack: signed in by a code, spoken as, renewed, signed out; and each failure in words."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import forget_cluster, free_ports

from moneyer_local.stack import Stack

PROGRAM = (sys.executable, "-c", "from moneyer.cli import main; main()")
ISSUER = "https://id.test"


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    forget_cluster(tmp_path / "data")


class Terminal:
    """Somebody's shell, whose home is empty at first."""

    def __init__(self, home: Path, **environment: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        self.environment = kept | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")} | environment
        self.home = home
        home.mkdir(exist_ok=True)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment,
            cwd=self.home,
        )  # fmt: skip

    def run(self, *words: str) -> tuple[int, str]:
        started = self.start(*words)
        out, error = started.communicate(timeout=120)
        return started.returncode, " ".join((out + error).split())

    def sign_in(self, issuer: str, person: str, *words: str) -> str:
        """Begin, type the code in a browser, and wait until the terminal has gone on."""
        started = self.start("login", *words)
        assert started.stdout
        told = ""
        while (typed := re.search(r"and type\s+(\S+)", told)) is None:
            line = started.stdout.readline()
            assert line, told + (started.stderr.read() if started.stderr else "")
            told += line
        with httpx.Client(base_url=issuer) as browser:
            page = re.search(r'name="page" value="([^"]+)"', browser.get("/device").text)
            assert page
            form = {"page": page[1], "user_code": typed[1], "person": person}
            assert browser.post("/device", data=form).status_code == 200
        out, error = started.communicate(timeout=60)
        assert started.returncode == 0, error
        return told + out


def story(stack: Stack, data: Path, home: Path) -> None:
    terminal, issuer = Terminal(home), stack.ports.url("identity")
    assert terminal.run("whoami")[0] == 1, "nobody is there before"
    told = terminal.sign_in(issuer, "lead-scientist", "--data", str(data), "--no-browser")
    assert issuer + "/device" in told
    status, said = terminal.run("whoami")
    assert status == 0, said
    assert "lead-scientist through cli" in said
    assert "policy:votes:write" in said
    status, said = terminal.run(
        "budget", "create", "p", "--privacy-unit", "row", "--epsilon", "1", "--delta", "0.00001"
    )
    assert (status, "missing-scope" in said) == (1, True), (
        "who signed in speaks, not whom the command would be by itself"
    )
    named = (
        "budget",
        "create",
        "p",
        "--privacy-unit",
        "row",
        "--epsilon",
        "1",
        "--delta",
        "0.00001",
        "--as",
        "steward",
    )
    assert terminal.run(*named, "--data", str(data))[0] == 0, "whoever is named speaks"
    kept = [path for path in (home / "config").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in kept if "tokens" in str(path)} == {0}
    second = Terminal(home, MONEYER_PROFILE="other")
    assert second.run("whoami")[0] == 1, "a profile is one sign-in"
    elsewhere = Terminal(home / "elsewhere", **{
        f"MONEYER_{name.upper()}_URL": stack.ports.url(name) for name in ("policy", "generation", "evaluation", "lineage")
    })  # fmt: skip
    elsewhere.sign_in(issuer, "auditor", "--issuer", issuer, "--client-id", "cli", "--no-browser")
    assert "auditor through cli" in elsewhere.run("whoami")[1]
    assert "lead-scientist" in terminal.run("whoami")[1]
    assert terminal.run("logout") == (0, "Signed out.")
    assert terminal.run("logout") == (0, "Nobody is signed in here.")
    assert terminal.run("whoami")[0] == 1


async def test_who_signs_in_speaks_until_they_sign_out(data: Path, tmp_path: Path) -> None:
    async with Stack(data, ports=free_ports(), workers=()) as stack:
        await asyncio.to_thread(story, stack, data, tmp_path / "home")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("login",), "Say where to sign in: moneyer login --issuer"),
        (("login", "--issuer", ISSUER), "Say where the services are: --url"),
        (("login", "--issuer", ISSUER, "--url", "http://moneyer.test"), "must be reached by https"),
        (("login", "--issuer", "http://id.test", "--url", "https://moneyer.test"), "must be reached by https"),
        (("login", "--issuer", "https://127.0.0.1:9", "--url", "https://moneyer.test"), "does not answer"),
        (("login", "--data", "nowhere"), "No moneyer was started in nowhere"),
        (("login", "--profile", "../x"), "A profile is named by letters"),
        (("whoami",), "no moneyer was started"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_in_words(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    status, told = Terminal(tmp_path / "home").run(*words)
    assert status == 1
    assert said in told
    assert "Traceback" not in told
