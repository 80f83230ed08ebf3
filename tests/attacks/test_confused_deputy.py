"""What one service asks another with its own rights reaches nobody who could not have asked for it themselves."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lineage.conftest import World as Lineage
from policy.conftest import World as Policy
from policy.test_release_api import paid_run

from moneyer_local.identity import PEOPLE, SERVICES

EVERYBODY = {**PEOPLE, **SERVICES}
WITNESSES = {who for who, scope in EVERYBODY.items() if "lineage:evidence:read" in scope.split()}
OPENAPI = Path(__file__).parents[2] / "openapi"
HANDS_ON: dict[str, dict[str, str]] = {
    "lineage": {
        "getEvidence": "lineage:evidence:read",  # policy's dossier, evaluation's assays
        "getLoggedProvenance": "lineage:evidence:read",  # policy's provenance
    },
    "policy": {"getDossier": "policy:evidence:read", "getSalts": "policy:evidence:read"},
}
"""Routes that show what was asked of another service, or what only another service was meant to ask; and their scopes."""


def test_who_may_ask_lineage_may_ask_the_others_too() -> None:
    assert WITNESSES
    for who in WITNESSES:
        assert {"policy:evidence:read", "policy:read", "evaluation:read"} <= set(EVERYBODY[who].split()), who
    assert "platform" not in WITNESSES, "it reads lineage, and neither policy nor evaluation"


@pytest.mark.parametrize("service", HANDS_ON)
def test_the_documents_say_which_scope_gives_what(service: str) -> None:
    document = json.loads((OPENAPI / f"{service}.json").read_text())
    routes = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    for operation, scope in HANDS_ON[service].items():
        asked = json.dumps(routes[operation]["security"])
        assert scope in asked, operation
        assert routes[operation]["description"], f"{operation} says whom it is for"


class Deputy:
    """Policy and evaluation as lineage meets them: they answer it whatever it asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def answer(*_: Any) -> Any:
            self.asked.append(name)
            return {}

        return answer


@pytest.mark.parametrize("who", sorted(set(EVERYBODY) - WITNESSES))
@pytest.mark.parametrize("path", ["/v1/evidence/{}", "/v1/assets/{}/provenance"])
async def test_lineage_asks_for_nobody_who_may_not_ask(lineage: Lineage, who: str, path: str) -> None:
    deputy = Deputy()
    object.__setattr__(lineage.app.state.dependencies, "evidence", deputy)
    answer = await lineage.call(who, "GET", path.format(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")
    assert deputy.asked == [], "nothing was asked in anybody's name"


@pytest.mark.parametrize("path", ["/v1/assets/{}/dossier", "/v1/assets/{}/salts?leaf={}"])
async def test_policy_opens_names_in_the_log_to_few(policy: Policy, path: str) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    for who in ("scientist", "dashboard", "assessor", "generation", "evaluation", "platform"):
        assert (await policy.call(who, "GET", path.format(asset, uuid4()))).status_code == 403, who
    assert (await policy.call("auditor", "GET", path.format(asset, uuid4()))).status_code == 200


async def test_salts_are_of_leaves_about_the_asset_alone(policy: Policy) -> None:
    await policy.set_up()
    asset, other = await paid_run(policy), await paid_run(policy)
    rows = await policy.sql("SELECT id, leaf->>'subject' AS subject FROM audit_events")
    leaves = {row["subject"]: str(row["id"]) for row in rows}
    asked = "&".join(f"leaf={leaf}" for leaf in leaves.values())
    given = await policy.get(f"/v1/assets/{asset}/salts?{asked}")
    assert leaves[f"run:{asset}"] in given
    assert leaves[f"run:{other}"] not in given
    assert leaves["committee"] not in given
