"""Who plays in the attacks on governance: five members of a committee, and people of real roles beside the known ones."""

from collections.abc import Callable
from typing import Any

from policy.conftest import World

from moneyer_local.identity import PEOPLE

COMMITTEE = {
    "privacy-officer": "privacy",
    "security-officer": "security",
    "counsel": "legal",
    "product-lead": "product",
    "lead-scientist": "data_science",
}


def joined(world: World, token: Callable[..., str], **roles: str) -> None:
    """More people, each with the scopes of known roles: ``rival="scientist"``, ``officer="assessor privacy-officer"``."""
    known = world.call._token

    def make(service: str, person: str, **options: Any) -> str:
        if person in roles:
            options["scope"] = " ".join(PEOPLE[role] for role in roles[person].split())
        return known(service, person, **options)

    world.call._token = make


async def seated(world: World) -> None:
    """All five functions are held."""
    for person, function in COMMITTEE.items():
        await world.post("admin", "/v1/committee/members", 204, {"subject": person, "function": function})


async def proposed(world: World, by: str = "scientist", **changes: Any) -> Any:
    """A next version drafted, and no more than that."""
    path = f"/v1/charters/{world.charter_id}"
    newest = await world.call("auditor", "GET", path)
    document = newest.json()["document"] | changes
    answer = await world.call(by, "PUT", path, json=document, headers={"If-Match": newest.headers["etag"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def voted(world: World, review_id: str, person: str, **changes: Any) -> Any:
    return await world.ballot(review_id, person, **({"function": COMMITTEE.get(person, "privacy")} | changes))


async def amended(world: World, *people: str, **changes: Any) -> Any:
    """A next version, voted into force by these people."""
    draft = await proposed(world, **changes)
    world.digest = draft["digest"]
    await world.post("scientist", f"/v1/charters/{world.charter_id}:submit", 200)
    await world.assess()
    for person in people or COMMITTEE:
        answer = await world.vote(person, COMMITTEE[person])
        assert answer.status_code == 201, answer.text
        if answer.json()["state"] != "submitted":
            break
    return answer.json()


def stages(minimum_total: int = 1, **counts: int) -> dict[str, Any]:
    return {"stages": [{"name": "committee", "counts": counts, "minimum_total": minimum_total}]}
