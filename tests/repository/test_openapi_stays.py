"""What callers see stays: every route as it was before the house was rebuilt, but for the differences that are named.

``openapi_before`` holds the documents as they were. Names of schemas, their order, titles and descriptions are nobody's
promise and are left aside; what a route takes and answers is compared as it is written out in full. A difference that is
meant stands in ``openapi_changes/<service>.toml`` with its reason; one that is no more, or was never, is refused there.
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SERVICES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SILENT = {"title", "description", "summary", "examples", "example", "discriminator"}
MISSING = object()


def _text(schema: Any) -> str:
    return json.dumps(schema, sort_keys=True)


def written_out(schema: Any, schemas: dict[str, Any], inside: tuple[str, ...] = ()) -> Any:
    """A schema without references, names and prose; one that holds itself is named there."""
    if isinstance(schema, list):
        return [written_out(one, schemas, inside) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in inside:
            return {"holds itself": len(inside) - inside.index(name)}
        return written_out(schemas[name], schemas, (*inside, name))
    shown = {}
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            shown[key] = {name: written_out(one, schemas, inside) for name, one in value.items()}
        elif key in {"anyOf", "oneOf"}:
            shown["anyOf"] = sorted((written_out(one, schemas, inside) for one in value), key=_text)
        elif key in {"required", "enum"} and isinstance(value, list):
            shown[key] = sorted(value, key=str)
        elif key not in SILENT:
            shown[key] = written_out(value, schemas, inside)
    return shown


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """What each operation takes and answers, by method and path."""
    schemas = document["components"]["schemas"]
    found: dict[str, Any] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            asked = {f"{one['in']} {one['name'].lower()}": one for one in operation.get("parameters", [])}
            found[f"{method.upper()} {path}"] = {
                "operationId": operation["operationId"],
                "security": operation.get("security"),
                "parameters": {
                    name: {"required": one.get("required", False), "schema": written_out(one["schema"], schemas)}
                    for name, one in asked.items()
                },
                "requestBody": written_out(operation.get("requestBody"), schemas),
                "responses": written_out(operation["responses"], schemas),
            }
    return found


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Where two documents differ, the deepest place of each difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name, MISSING), after.get(name, MISSING), f"{where} › {name}")
    elif before is MISSING:
        yield f"{where} is new"
    elif after is MISSING:
        yield f"{where} is gone"
    elif before != after:
        yield where


def added(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Routes that were not there: nobody loses anything by them."""
    return {f"{operation} is new" for operation in after.keys() - before.keys()}


def changes(service: str) -> list[dict[str, Any]]:
    named = HERE / "openapi_changes" / f"{service}.toml"
    found: list[dict[str, Any]] = tomllib.loads(named.read_text())["change"] if named.exists() else []
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_what_callers_see_is_as_it_was_but_for_what_is_named(service: str) -> None:
    before, after = (
        operations(json.loads((folder / f"{service}.json").read_text()))
        for folder in (HERE / "openapi_before", ROOT / "openapi")
    )
    found = {one.removeprefix(" › ") for one in differences(before, after)} - added(before, after)
    named = {place: change["because"] for change in changes(service) for place in change["where"]}
    assert all(named.values())
    unnamed = {one for one in found if not any(one.startswith(place) for place in named)}
    assert not unnamed, "\n".join(sorted(unnamed))
    idle = {place for place in named if not any(one.startswith(place) for one in found)}
    assert not idle, f"no such difference: {sorted(idle)}"


def test_a_difference_is_seen_wherever_it_is() -> None:
    document = json.loads((HERE / "openapi_before" / "policy.json").read_text())
    before = operations(document)
    assert not list(differences(before, operations(json.loads(json.dumps(document)))))
    renamed = json.loads(json.dumps(document).replace("WaiverShown", "Waiver"))
    assert not list(differences(before, operations(renamed)))
    renamed["components"]["schemas"]["Waiver"]["properties"]["rule"] = {"type": "integer"}
    renamed["paths"]["/v1/rules"]["get"]["responses"].pop("200")
    del renamed["paths"]["/v1/charters"]["get"]
    found = list(differences(before, operations(renamed)))
    assert any("waivers › responses › 200" in one and "rule" in one for one in found)
    assert " › GET /v1/rules › responses › 200 is gone" in found
    assert " › GET /v1/charters is gone" in found
