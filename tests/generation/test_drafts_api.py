"""The door for drafts: public documents in, a proposal out, no rows, nothing kept."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from generation.conftest import World

from moneyer_shared.contracts.drafts import SourceDraft

DRAFTS = Path(__file__).parents[1] / "shared" / "drafts"


async def ask(world: World, **changes: Any) -> Any:
    documents = [{"name": "visits.sql", "text": (DRAFTS / "visits.sql").read_text()}]
    asked = {"documents": documents, "table": "visits", "population_id": str(uuid4())} | changes
    return await world.call("steward", "POST", "/v1/source-drafts", json=asked)


async def test_a_schema_becomes_a_declaration_that_is_taken(world: World) -> None:
    answer = await ask(world, answers=["sex=required"])
    assert answer.status_code == 200, answer.text
    draft = SourceDraft.model_validate(answer.json())
    assert draft.declaration is not None
    assert {one.column.origin.kind for one in draft.columns if one.column and one.column.origin} == {"dictionary"}
    made = await world.call("steward", "POST", "/v1/sources", json=answer.json()["declaration"])
    assert made.status_code == 201, made.text
    kept = made.json()["declaration"]["columns"]
    assert {one["name"]: one["origin"]["kind"] for one in kept}["bmi"] == "dictionary"


@pytest.mark.parametrize("name", ["people.csv", "people.parquet", "people.arrow"])
async def test_this_door_takes_no_rows(world: World, name: str) -> None:
    answer = await ask(world, documents=[{"name": name, "text": "person,sex\nXyzzy,f\n"}])
    assert (answer.status_code, answer.json()["code"]) == (422, "rows-not-taken")
    assert "own machine" in answer.json()["detail"]
    assert "Xyzzy" not in answer.text


async def test_what_is_still_open_is_asked(world: World) -> None:
    answer = await ask(world, population_id=None)
    assert answer.status_code == 200
    assert answer.json()["declaration"] is None
    assert [one["answer"] for one in answer.json()["questions"] if one["default"] is None] == ["source.population="]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"documents": [{"name": "a.sql", "text": "SELECT 1"}]}, "document-unreadable"),
        ({"documents": [{"name": "a.txt", "text": "x"}]}, "document-unknown"),
        ({"documents": []}, "invalid"),
        ({"answers": ["age"]}, "answer-unreadable"),
        ({"answers": ["source.unit=age 0 person"]}, "draft-unfit"),
        ({"table": "nothing"}, "table-unsaid"),
        ({"population_id": "p"}, "invalid"),
        ({"answers": ["source.population=p"]}, "draft-unfit"),
    ],
)
async def test_what_cannot_be_drafted_is_told(world: World, changes: dict[str, Any], code: str) -> None:
    answer = await ask(world, **changes)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


async def test_a_draft_is_a_stewards_to_ask(world: World) -> None:
    answer = await world.call("steward", "POST", "/v1/source-drafts", json={}, scope="generation:read")
    assert answer.status_code == 403
