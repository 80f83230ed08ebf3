"""Documents the tests share."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4


def charter_document(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    document = {
        "title": "Use of outpatient care",
        "purpose": "Study utilisation without the records.",
        "owner": "scientist",
        "use_cases": [{"name": "research", "description": "Model visits."}],
        "prohibited_uses": ["underwriting"],
        "audiences": ["analysts"],
        "sources": [str(uuid4())],
        "minimum_guarantee": "proven",
        "configurations": [
            {
                "generator": "dpmm-mst",
                "parameters": {
                    "epsilon": {"minimum": "0.01", "maximum": "5"},
                    "delta": {"minimum": "0.000000001", "maximum": "0.00001"},
                    "iterations": {"minimum": "100", "maximum": "10000"},
                },
            }
        ],
        "maximum_rows": 50_000,
        "acceptance": [{"metric": "membership-auc", "at_most": "0.6"}],
        "quorum": {"privacy": 1, "legal": 1},
        "revalidate_by": (now + timedelta(days=30)).isoformat(),
        "expires_at": (now + timedelta(days=60)).isoformat(),
        "retention_days": 30,
        "looks": 1_000,
    }
    return {name: value for name, value in (document | changes).items() if value is not None}
