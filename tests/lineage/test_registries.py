"""A model registry's webhooks are taken when they are its own, and say which assets a model was trained on."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lineage.conftest import World
from lineage.test_impact import changed, impact, released, train

from moneyer_lineage.models.rules.mlflow import heard, is_fresh, is_signed

PATH = "/v1/registries/plant/mlflow"


def event(entity: str, action: str, **data: Any) -> bytes:
    told = {"entity": entity, "action": action, "timestamp": "2026-03-01T10:00:00+00:00", "data": data}
    return json.dumps(told).encode()


def headers(body: bytes, at: datetime, secret: str = "hush") -> dict[str, str]:
    """As MLflow signs: HMAC-SHA256 with the secret's own bytes."""
    timestamp = str(int(at.timestamp()))
    made = hmac.new(secret.encode(), b"delivery." + timestamp.encode() + b"." + body, hashlib.sha256).digest()
    return {
        "X-MLflow-Signature": "v1," + base64.b64encode(made).decode(),
        "X-MLflow-Delivery-Id": "delivery",
        "X-MLflow-Timestamp": timestamp,
    }


async def post(world: World, body: bytes, given_headers: dict[str, str] | None = None, path: str = PATH) -> Any:
    sent = headers(body, world.clock.now) if given_headers is None else given_headers
    return await world.call.bare("POST", path, content=body, headers=sent)


async def test_a_version_with_tags_is_registered_and_more_tags_add(world: World) -> None:
    first, second = await released(world), await released(world)
    tags = {f"moneyer.asset.{first}": "training", "moneyer.owner": "scientist", "other": "x"}
    body = event("model_version", "created", name="Churn Model", version="3", source="models:/m-1", tags=tags)
    for _ in range(2):
        assert (await post(world, body)).status_code == 204
    body = event("model_version_tag", "set", name="Churn Model", version="3", key=f"moneyer.asset.{second}", value="")
    assert (await post(world, body)).status_code == 204
    (model,) = (await world.call("auditor", "GET", "/v1/models")).json()
    assert (model["name"], model["owner"]) == ("plant:Churn Model", "scientist")
    (version,) = (await world.call("auditor", "GET", "/v1/models/plant:Churn Model/versions")).json()
    assert (set(version["assets"]), version["uri"]) == ({first, second}, "models:/m-1")
    assert [one["version"] for one in (await impact(world, first))["models"]] == ["3"]


async def test_many_at_once_do_not_wait_for_each_other_in_a_ring(world: World) -> None:
    """Registries, owners and announcements touch the same rows and the log, in one order."""
    asset = await released(world)
    tags = {f"moneyer.asset.{asset}": ""}

    async def heard_of(number: int) -> int:
        return (
            await post(world, event("model_version", "created", name=f"h{number}", version="1", tags=tags))
        ).status_code

    async def trained(number: int) -> int:
        return (await train(world, "scientist", f"t{number}", [asset])).status_code

    for _ in range(3):
        await changed(world, asset, "suspended")
    answers = await asyncio.gather(*(one(number) for number in range(12) for one in (heard_of, trained)))
    assert answers == [204] * 24
    assert len((await impact(world, asset))["models"]) == 24


async def test_what_says_nothing_of_assets_is_taken_and_kept_nowhere(world: World) -> None:
    for body in (
        event("model_version", "created", name="m", version="1", tags={}),
        event("model_version_alias", "created", name="m", alias="champion", version="1"),
        event("prompt", "created", name="p"),
        event("registered_model", "created", name="m", tags=None),
    ):
        assert (await post(world, body)).status_code == 204
    assert await world.count("models") == 0


async def test_a_registry_that_names_an_unknown_asset_is_told(world: World) -> None:
    tags = {f"moneyer.asset.{uuid4()}": ""}
    answer = await post(world, event("model_version", "created", name="m", version="1", tags=tags))
    assert (answer.status_code, answer.json()["code"]) == (404, "asset-unknown")
    assert await world.count("models") == 0, "not even the model"


async def test_only_the_registrys_own_fresh_words_count(world: World) -> None:
    asset = await released(world)
    body = event("model_version", "created", name="m", version="1", tags={f"moneyer.asset.{asset}": ""})
    now = world.clock.now
    for bad in (
        headers(body, now, secret="guess"),
        headers(body + b" ", now),
        headers(body, now - timedelta(minutes=6)),
        headers(body, now + timedelta(minutes=6)),
        headers(body, now) | {"X-MLflow-Timestamp": "1e9"},
        headers(body, now) | {"X-MLflow-Signature": b"v1,\xe9"},
    ):
        answer = await post(world, body, bad)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature-invalid")
    assert (await post(world, body, path="/v1/registries/other/mlflow")).status_code == 401
    assert (await post(world, body, {})).status_code == 422
    assert await world.count("models") == 0


@pytest.mark.parametrize(
    "body",
    (
        b"{}", b"[]", b"nothing", b'{"entity": 1}', event("model_version", "created", name="a/b", version="1", tags={"moneyer.asset.x": ""}),
        event("model_version_tag", "set", name="m", version="", key="moneyer.asset.x", value=""),
        event("registered_model", "created", name="m\u0000", tags={"moneyer.owner": "o"}),
    ),
)  # fmt: skip
async def test_what_cannot_be_read_is_refused(world: World, body: bytes) -> None:
    assert (await post(world, body)).status_code == 422
    assert await world.count("models") == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.text(),
    st.text(),
    st.dictionaries(st.sampled_from(["name", "version", "tags", "key", "source", "description"]), JSON),
)
def test_events_of_any_shape_are_read_or_left_alone(entity: str, action: str, data: dict[str, Any]) -> None:
    for kind in (
        (entity, action),
        ("registered_model", "created"),
        ("model_version", "created"),
        ("model_version_tag", "set"),
    ):
        heard(*kind, data)


@given(st.text(max_size=20))
def test_no_timestamp_makes_trouble(text: str) -> None:
    assert isinstance(is_fresh(text, datetime.now(UTC)), bool)
    assert not is_signed("s", "d", "1", b"", text)
