"""Lineage's own database."""

from moneyer_lineage.tables.assets import asset_changes, cards, charter_cards, outcomes
from moneyer_lineage.tables.counts import asset_states, counted, counts
from moneyer_lineage.tables.events import (
    dataset_versions,
    datasets,
    edges,
    events,
    folded,
    forwards,
    jobs,
    runs,
    tags,
)
from moneyer_lineage.tables.log import checkpoints, cosignatures, leaves, nodes, outposts
from moneyer_lineage.tables.metadata import audit_events, idempotency_keys, metadata
from moneyer_lineage.tables.models import model_metrics, model_versions, models, trainings
from moneyer_lineage.tables.webhooks import deliveries, webhooks

__all__ = [
    "asset_changes",
    "asset_states",
    "audit_events",
    "cards",
    "charter_cards",
    "checkpoints",
    "cosignatures",
    "counted",
    "counts",
    "dataset_versions",
    "datasets",
    "deliveries",
    "edges",
    "events",
    "folded",
    "forwards",
    "idempotency_keys",
    "jobs",
    "leaves",
    "metadata",
    "model_metrics",
    "model_versions",
    "models",
    "nodes",
    "outcomes",
    "outposts",
    "runs",
    "tags",
    "trainings",
    "webhooks",
]
