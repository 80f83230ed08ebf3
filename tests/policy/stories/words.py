"""What the stories share."""

from datetime import timedelta
from typing import Any

from policy.conftest import World

MISSING = "00000000-0000-0000-0000-000000000001"
DAY = timedelta(days=1)


def later(world: World, **span: int) -> str:
    return (world.now + timedelta(**span)).isoformat()


def codes(decision: Any) -> list[str]:
    return [clause["code"] for clause in decision.json()["clauses"]]


def configuration(**changes: Any) -> dict[str, Any]:
    return {
        "name": "careful-mst",
        "generator": "dpmm-mst",
        "guarantee": "proven",
        "parameters": {
            "epsilon": {"minimum": "0.1", "maximum": "1"},
            "delta": {"minimum": "0.000000001", "maximum": "0.00001"},
            "iterations": {"one_of": [500, 1000]},
        },
        "defaults": {"epsilon": "0.5", "delta": "0.000001", "iterations": 500},
        "evidence": "docs/benchmarks",
    } | changes
