"""Airflow, Dagster and Kubeflow ask for tables with the real packages, and pay once however often they ask."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from system.conftest import Machine, Ready

pytestmark = pytest.mark.system
HERE = Path(__file__).parent
PLATFORMS = HERE.parents[1] / ".platforms"


def connection(machine: Machine) -> dict[str, Any]:
    told = json.loads((machine.stack.directory.root / "client.json").read_text())
    return {
        "services": told["services"], "token_url": told["token_url"], "client_id": "scientist",
        "client_secret": told["people"]["scientist"],
    }  # fmt: skip


async def run(platform: str, *command: str | Path, environment: dict[str, str]) -> str:
    python = PLATFORMS / platform / "bin" / "python"
    assert python.exists(), f"make test makes {platform}'s own environment first"
    process = await asyncio.create_subprocess_exec(
        python, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment | {"PATH": f"{python.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-4000:] + out.decode()[-4000:]
    return out.decode()


async def told_by(platform: str, *arguments: str, environment: dict[str, str], folder: Path = HERE) -> dict[str, Any]:
    """What a story says on its last line."""
    out = await run(platform, folder / f"{platform}_story.py", *arguments, environment=environment)
    return json.loads(out.strip().splitlines()[-1])


async def paid_once(ready: Ready, asset: str) -> None:
    assert (await ready.run(asset))["state"] == "released"
    assert await ready.charges(asset) == ["reserve", "spend"]
    query = "SELECT count(*) FROM permits WHERE charter_id = $1"
    assert (await ready.machine.sql("policy", query, ready.charter_id))[0]["count"] == 1


def plan(ready: Ready) -> str:
    return ready.plan().model_dump_json(exclude_none=True)


async def test_airflow_defers_and_a_second_try_pays_nothing(machine: Machine, tmp_path: Path) -> None:
    ready = await machine.ready()
    spoken = connection(machine)
    extra = {f"{name}_url": url for name, url in spoken["services"].items()} | {"token_url": spoken["token_url"]}
    kept = {
        "conn_type": "moneyer", "login": spoken["client_id"], "password": spoken["client_secret"], "extra": extra,
    }  # fmt: skip
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(HERE / "airflow_story.py", dags)
    environment = {
        "STORY_PLAN": plan(ready), "STORY_KEY": uuid4().hex,
        "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags), "AIRFLOW_CONN_MONEYER_DEFAULT": json.dumps(kept),
    }  # fmt: skip
    await run("airflow", "-m", "airflow", "db", "migrate", environment=environment)
    async with machine.worker():
        told = await told_by("airflow", environment=environment, folder=dags)
    assert told["states"] == {"mint": "success", "again": "success", "denied": "failed"}
    assert told["tries"]["denied"] == 1, "a denied plan is denied again: it is not tried again"
    first, second = told["assets"]
    assert first == second, "the same key is the same run"
    assert told["trigger"] == [
        "moneyer.platforms.airflow.RunTrigger",
        {"run_id": "r", "moneyer_conn_id": "moneyer_default", "poll_seconds": 1.0},
    ], "no secret is written down"
    await paid_once(ready, first)


async def test_dagster_materializes_an_asset(machine: Machine, tmp_path: Path) -> None:
    ready = await machine.ready()
    async with machine.worker():
        told = await told_by(
            "dagster", plan(ready), uuid4().hex, json.dumps(connection(machine)),
            environment={"DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"},
        )  # fmt: skip
    assert "plan-denied" in told["refused"]
    assert told["retries"] == 0
    await paid_once(ready, told["asset"])


async def test_kubeflow_hands_the_table_on(machine: Machine, tmp_path: Path) -> None:
    ready = await machine.ready()
    spoken = connection(machine)
    environment = {f"MONEYER_{name.upper()}_URL": url for name, url in spoken["services"].items()}
    environment |= {f"MONEYER_{name.upper()}": spoken[name] for name in ("token_url", "client_id", "client_secret")}
    async with machine.worker():
        told = await told_by("kubeflow", plan(ready), uuid4().hex, str(tmp_path), environment=environment)
    assert told["rows"] == 300
    assert told["compiled"]
    assert told["metadata"]["moneyer_asset"] == told["asset"]
    await paid_once(ready, told["asset"])
