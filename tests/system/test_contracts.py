"""schemathesis against the running services, with authentication on: no server error, nothing undeclared."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from conftest import SERVICES
from system.conftest import Machine

from moneyer_local import identity

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[2]


def all_scopes() -> str:
    """Every scope there is, so that every route answers by its own rules."""
    scopes = {
        scope for granted in (*identity.PEOPLE.values(), *identity.SERVICES.values()) for scope in granted.split()
    }
    assert len(scopes) > 10
    return " ".join(sorted(scopes))


@pytest.mark.parametrize("service", SERVICES)
async def test_no_server_error_and_no_undeclared_response(machine: Machine, service: str, tmp_path: Path) -> None:
    registry = machine.stack.secrets.registry
    issuer = machine.stack.ports.url("identity")
    token = identity.sign_token(
        registry, issuer=issuer, client="auditor", audience=f"moneyer-{service}", scope=all_scopes()
    )
    document = json.loads((ROOT / "openapi" / f"{service}.json").read_text())
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"), "run", str(tmp_path / "openapi.json"),
        "--url", machine.stack.ports.url(service), "-H", f"Authorization: Bearer {token}",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "1", "--generation-deterministic",
        "--request-timeout", "20", "--no-color",
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if service == "generation":
        # What was asked for at random would keep the workers of later stories busy for hours.
        await machine.sql("generation", "DELETE FROM pgqueuer WHERE entrypoint = 'audit'")
    assert process.returncode == 0, output.decode()[-6000:]
    assert b" generated, " in output
    assert b"Failures:" not in output
