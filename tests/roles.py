"""Every role at every route: each service's matrix is written in its own ``test_roles.py``, its routes in OpenAPI."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from conftest import Caller

from moneyer_local.identity import PEOPLE, SERVICES

Groups = Iterable[tuple[set[str], tuple[str, ...]]]
EVERYBODY = {*PEOPLE, *SERVICES}
VOTERS = {"privacy-officer", "security-officer", "counsel", "product-lead", "lead-scientist"}
OPENAPI = Path(__file__).parents[1] / "openapi"
READS = {"get", "head"}
AWAY = 503


def document(service: str) -> dict[str, dict[str, dict[str, object]]]:
    paths: dict[str, dict[str, dict[str, object]]] = json.loads((OPENAPI / f"{service}.json").read_text())["paths"]
    return paths


def routes(service: str, *, writes: bool = False) -> dict[str, tuple[str, str]]:
    """Method and path of each operation of a service's document; only of those that are no reads if ``writes``."""
    return {
        str(operation["operationId"]): (method.upper(), path)
        for path, methods in document(service).items()
        for method, operation in methods.items()
        if not writes or method not in READS
    }


def allowed(groups: Groups) -> dict[str, set[str]]:
    """Who may go where; a route that stands in two groups is for neither: it is written once."""
    made: dict[str, set[str]] = {}
    for roles, operations in groups:
        for operation in operations:
            assert operation not in made, f"{operation} stands in the matrix twice"
            made[operation] = roles
    return made


async def check(call: Caller, method: str, path: str, roles: set[str]) -> None:
    """Who may not is told so before anything else; who may gets as far as the request's own faults."""
    filled = re.sub(r"\{[a-z_]+\}", str(uuid4()), path)
    let_in = set()
    for role in sorted(EVERYBODY):
        answer = await call(role, method, filled)
        # A peer that a test has not got is away.
        assert answer.status_code < 500 or answer.status_code == AWAY, f"{role}: {answer.text}"
        if answer.status_code != 403 or answer.json()["code"] != "missing-scope":
            let_in.add(role)
    assert let_in == roles
    anonymous = await call.bare(method, filled)
    assert (anonymous.status_code == 401) == (roles != EVERYBODY), anonymous.text
