"""How an asset came about, composed of what the services told."""

from collections.abc import Mapping, Sequence
from typing import Any

from mintmark_lineage.domain.shapes import facets_of
from mintmark_lineage.domain.told import run_id_of

FACETS = {
    "mintmark_plan": "plan",
    "mintmark_policyDecision": "decision",
    "mintmark_charge": "charge",
    "mintmark_generation": "generation",
    "mintmark_evaluation": "assay",
    "mintmark_release": "release",
    "mintmark_failure": "failure",
    "mintmark_finding": "finding",
    "mintmark_assetChange": "change",
    "mintmark_destruction": "destruction",
}
PLUMBING = {"_producer", "_schemaURL"}


def compose_record(asset: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is known of an asset, from its run's events and those of runs under it, oldest first."""
    record: dict[str, Any] = {"asset": asset, "sources": [], "history": []}
    for event in events:
        run = event["run"]
        for name, part in FACETS.items():
            facet = facets_of(run).get(name)
            if facet is not None:
                record[part] = {key: value for key, value in facet.items() if key not in PLUMBING}
        for dataset in event.get("inputs") or []:
            if dataset["namespace"] == "mintmark.source" and dataset["name"] not in record["sources"]:
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
