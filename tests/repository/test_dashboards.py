"""Dashboards and alerts ask only what there is to be asked, with rights enough and no more."""

import json
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from moneyer_local.identity import SERVICES

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
SOURCES = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "moneyer.yaml").read_text())["datasources"]
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
OPENAPI = {
    service: json.loads((ROOT / "openapi" / f"{service}.json").read_text())
    for service in ("policy", "generation", "evaluation", "lineage")
}
KINDS = {"string", "number", "timestamp", "boolean"}


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every question of every panel, and where it stands."""
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']} {target['refId']}", target


ASKED_OF_PROMETHEUS = [(where, target) for where, target in targets() if "expr" in target]
ASKED_OF_SERVICES = [(where, target) for where, target in targets() if "url" in target]


def rendered() -> dict[Path, str]:
    """Both exporters are programs called export.py, so this one is loaded by its path."""
    spec = spec_from_file_location("grafana_export", GRAFANA / "export.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[Path, str] = module.rendered()
    return made


def service_of(target: dict[str, Any]) -> str:
    return str(target["datasource"]["uid"]).removeprefix("moneyer-")


def operation(target: dict[str, Any]) -> dict[str, Any]:
    """The GET that a panel's URL is answered by: whole words first, then what a variable stands for."""
    paths = OPENAPI[service_of(target)]["paths"]
    if target["url"] in paths:
        return paths[target["url"]]["get"]
    before, _, _ = target["url"].rpartition("/")
    (found,) = [path for path in paths if path.rpartition("/")[0] == before and path.endswith("}")]
    return paths[found]["get"]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def member(document: dict[str, Any], schema: dict[str, Any], path: str) -> dict[str, Any]:
    for name in path.split(".") if path else []:
        schema = resolved(document, schema)["properties"][name]
    return resolved(document, schema)


def test_dashboards_are_current_and_each_panel_has_a_place() -> None:
    for path, text in rendered().items():
        assert path.read_text() == text, f"{path.name} is not current: make dashboards"
    for dashboard in DASHBOARDS.values():
        taken: set[tuple[int, int]] = set()
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken, f"{panel['title']} lies over another"
            assert at["x"] + at["w"] <= 24
            assert panel["description"]
            taken |= cells


@pytest.mark.parametrize(("where", "target"), ASKED_OF_PROMETHEUS, ids=lambda one: one if isinstance(one, str) else "")
def test_every_expression_is_one_that_prometheus_reads(where: str, target: dict[str, Any]) -> None:
    promql_parser.parse(target["expr"])


@pytest.mark.parametrize("rule", [rule for group in ALERTS for rule in group["rules"]], ids=lambda rule: rule["alert"])
def test_every_alert_can_be_raised_and_says_what_it_means(rule: dict[str, Any]) -> None:
    promql_parser.parse(rule["expr"])
    assert len(rule["annotations"]["summary"]) > 40


@pytest.mark.parametrize(("where", "target"), ASKED_OF_SERVICES, ids=lambda one: one if isinstance(one, str) else "")
def test_every_column_is_a_member_of_what_the_route_answers(where: str, target: dict[str, Any]) -> None:
    document, route = OPENAPI[service_of(target)], operation(target)
    parameters = {one["name"]: one for one in route.get("parameters", []) if one["in"] == "query"}
    given = {one["key"] for one in target["url_options"]["params"]}
    assert given <= set(parameters)
    assert {name for name, one in parameters.items() if one.get("required")} <= given
    answer = route["responses"]["200"]["content"]["application/json"]["schema"]
    rows = member(document, answer, target["root_selector"])
    assert rows["type"] == "array"
    for column in target["columns"]:
        shown = member(document, rows["items"], column["selector"])
        assert column["type"] in KINDS
        formats = {one.get("format") for one in (shown, *shown.get("anyOf", []))}
        assert (column["type"] == "timestamp") == ("date-time" in formats), column


def test_sources_are_provisioned_with_the_rights_their_questions_take_and_no_more() -> None:
    used = {target["datasource"]["uid"]: target["datasource"]["type"] for _, target in targets()}
    assert used == {source["uid"]: source["type"] for source in SOURCES}
    granted = set()
    for source in SOURCES:
        if "oauth2" in source.get("jsonData", {}):
            granted |= set(source["jsonData"]["oauth2"]["scopes"])
            assert source["jsonData"]["oauth2"]["client_id"] == "dashboard"
            assert source["secureJsonData"]["oauth2EndPointParamsValue1"] == source["uid"], "its audience"
    needed = {scope for _, one in ASKED_OF_SERVICES for scope in operation(one)["security"][0]["BearerScheme"]}
    assert needed == granted == set(SERVICES["dashboard"].split())


def test_variables_that_questions_use_are_the_dashboards() -> None:
    for name, dashboard in DASHBOARDS.items():
        known = {"__from", "__to", "__field"} | {one["name"] for one in dashboard["templating"]["list"]}
        text = json.dumps(dashboard)
        used = {part.split("}")[0].split(":")[0].split(".")[0] for part in text.split("${")[1:]}
        assert used <= known, name


def test_prometheus_scrapes_every_service_where_compose_puts_it() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    doors = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped}
    assert set(doors) == {f"moneyer-{service}" for service in OPENAPI}
    for service in OPENAPI:
        port = compose[service]["environment"][f"MONEYER_{service.upper()}_PORT"]
        assert doors[f"moneyer-{service}"] == [f"{service}:{port}"]
    told = {part.split(":")[0] for part in compose["grafana"]["environment"]}
    asked = {text.removeprefix("$") for source in SOURCES for text in _texts(source) if text.startswith("$")}
    assert asked <= told, "Grafana takes these from its environment"


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
