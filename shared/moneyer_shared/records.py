"""How an asset came about, composed of what the services told."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

FACETS = {
    "moneyer_plan": "plan",
    "moneyer_policyDecision": "decision",
    "moneyer_charge": "charge",
    "moneyer_generation": "generation",
    "moneyer_delivered": "delivered",
    "moneyer_measurement": "measurement",
    "moneyer_evaluation": "assay",
    "moneyer_release": "release",
    "moneyer_failure": "failure",
    "moneyer_finding": "finding",
    "moneyer_assetChange": "change",
    "moneyer_destruction": "destruction",
}
DELIVERY = "moneyer_delivery"
PLUMBING = {"_producer", "_schemaURL"}


def run_id_of(said: object) -> str | None:
    """A run's id as it is kept, however the UUID was written; nothing where it is none."""
    try:
        return str(UUID(said)) if isinstance(said, str) else None
    except ValueError:
        return None


def facets_of(owner: Mapping[str, Any]) -> dict[str, Any]:
    found = owner.get("facets")
    return {name: body for name, body in found.items() if isinstance(body, dict)} if isinstance(found, dict) else {}


def compose_record(asset: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is known of an asset, from its run's events and those of runs under it, oldest first.

    Of each part the last word counts; deliveries are many, and all stand in it.
    """
    record: dict[str, Any] = {"asset": asset, "sources": [], "history": []}
    for event in events:
        run = event["run"]
        for name, part in FACETS.items():
            facet = facets_of(run).get(name)
            if facet is not None:
                record[part] = _said(facet)
        if (delivery := facets_of(run).get(DELIVERY)) is not None:
            record.setdefault("deliveries", []).append(_said(delivery))
        for dataset in event.get("inputs") or []:
            if dataset["namespace"] == "moneyer.source" and dataset["name"] not in record["sources"]:
                record["sources"].append(dataset["name"])
        record["history"].append(
            {
                "at": event["eventTime"],
                "type": event.get("eventType"),
                "run": run_id_of(run["runId"]),
                "job": f"{event['job']['namespace']}/{event['job']['name']}",
            }
        )
    return record


def _said(facet: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facet.items() if key not in PLUMBING}
