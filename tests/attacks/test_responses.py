"""What answers give away: to caches, to browsers, to who sends a Host, and what a deployment shows own_workflow."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from attacks.conftest import Service, routes
from policy.conftest import World

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


async def test_nothing_that_needs_a_token_is_kept_or_guessed_at(services: dict[str, Service]) -> None:
    for route in routes():
        if route.service == "generation" and route.path.endswith("/events"):
            continue
        service = services[route.service]
        sent = {"Idempotency-Key": "k"}
        for bearer in (service.bearer(), {}):
            answer = await service.bare(route.method, route.path, headers=sent | bearer)
            assert answer.headers["x-content-type-options"] == "nosniff", (route.method, route.path)
            if not route.public or answer.status_code >= 400:
                assert answer.headers["cache-control"] == "no-store", (route.method, route.path)
    for path in ("/nowhere", "/openapi.json"):
        assert (await services["policy"].bare("GET", path)).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:1", "policy@evil.example", "a b", ""])
async def test_authzen_says_where_it_is_and_not_what_it_is_told(policy: World, host: str) -> None:
    for headers in ({"Host": host}, {"Host": host, "X-Forwarded-Host": host, "Forwarded": f"host={host}"}):
        answer = await policy.call.bare("GET", "/.well-known/authzen-configuration", headers=headers)
        assert answer.status_code == 200
        assert "evil" not in answer.text
        assert all(value.startswith("http://127.0.0.1:") for value in answer.json().values())


async def test_authzen_shows_no_balance(policy: World) -> None:
    """Who may ask whether somebody may is not told how much is left."""
    await policy.set_up(epsilon="2", allocated="1.2345")
    request = policy.request(rho="5")
    question = {
        "subject": {"type": "user", "id": "scientist"},
        "action": {"name": "generate"},
        "resource": {"type": "source", "id": policy.source_id},
        "context": {"plan": request["plan"], "offer": request["offer"]},
    }
    answer = await policy.call("steward", "POST", "/access/v1/evaluation", json=question)
    told = answer.json()
    assert told["decision"] is False
    codes = [reason["code"] for reason in told["context"]["reasons"]]
    assert any(code.startswith("budget") for code in codes), codes
    for reason in told["context"]["reasons"]:
        if reason["code"].startswith("budget"):
            assert not re.search(r"\d", str(reason.get("actual", "")) + str(reason.get("expected", ""))), reason


async def test_a_link_to_the_next_page_does_not_say_the_host_back(policy: World) -> None:
    answer = await policy.call("auditor", "GET", "/v1/charters", headers={"Host": "evil.example"})
    assert "evil" not in str(dict(answer.headers)) + answer.text


def test_grafana_is_not_open() -> None:
    grafana = COMPOSE["grafana"]["environment"]
    assert re.fullmatch(r"\$\{GRAFANA_PASSWORD:\?.+\}", grafana["GF_SECURITY_ADMIN_PASSWORD"])
    assert grafana["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert grafana["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert re.fullmatch(r"\$\{DASHBOARD_CLIENT_SECRET:\?.+\}", grafana["DASHBOARD_CLIENT_SECRET"])


def test_what_makes_tables_holds_no_keys() -> None:
    secrets = re.compile(r"MASTER_KEY|SIGNING_KEY|CHECKPOINT_KEY|WEBHOOK_KEY|CLIENT_SECRET|VAULT|REGISTRIES")
    for service in ("policy", "generation", "evaluation", "lineage"):
        told = COMPOSE[f"{service}-migrate"]
        assert not [name for name in told["environment"] if secrets.search(name)], service
        assert not told.get("volumes")


@pytest.mark.parametrize("service", ["policy", "generation", "evaluation", "lineage"])
def test_a_migration_asks_for_nothing_but_the_database(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    main = import_module(f"moneyer_{service}.__main__")
    done: list[Any] = []
    monkeypatch.setenv(f"MONEYER_{service.upper()}_DATABASE_URL", "postgresql+asyncpg://nobody@nowhere/x")
    monkeypatch.setattr(main, "upgrade", lambda *told: done.append(told))
    main.main("migrate")
    assert done == [(f"moneyer_{service}", "postgresql+asyncpg://nobody@nowhere/x")]


def test_an_image_is_made_of_what_is_named_by_its_bytes() -> None:
    """A tag is a name that somebody else may give to other bytes tomorrow."""
    recipe = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    for source in re.findall(r"^FROM (\S+)", recipe, re.MULTILINE):
        assert re.search(r"@sha256:[0-9a-f]{64}|@\$\{\w+\}|^\$\{\w+\}$", source), source
    assert "ARG PYTHON_IMAGE\n" in recipe, "no default that is only a tag"
    for name, told in COMPOSE.items():
        if not told["image"].startswith("moneyer-"):
            assert re.search(r"@\$\{\w+:\?.+\}$|@sha256:[0-9a-f]{64}$", told["image"]), name


def test_everything_an_image_is_built_with_is_hashed() -> None:
    recipe = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
    for line in re.findall(r"pip (?:install|wheel)[^&\n]*", recipe):
        assert "--require-hashes" in line or "--no-build-isolation" in line or "--no-index" in line, line
    lock = (ROOT / "deploy" / "docker" / "build.lock").read_text()
    for line in re.findall(r"^[a-z].*$", lock, re.MULTILINE):
        assert "==" in line
    assert lock.count("--hash=sha256:") >= 1


def test_a_build_sees_no_secret_and_no_history() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    for name in (".git", ".venv", ".moneyer", ".env", "**/*.pem", "**/*.key", "tests", "**/__pycache__"):
        assert name in ignored, name
