"""Lineage's own database."""

from mintmark_lineage.tables.assets import asset_changes, cards, charter_cards, outcomes
from mintmark_lineage.tables.counts import asset_states, counted, counts
from mintmark_lineage.tables.events import (
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
from mintmark_lineage.tables.log import checkpoints, cosignatures, leaves, nodes, outposts
from mintmark_lineage.tables.metadata import audit_events, idempotency_keys, metadata
from mintmark_lineage.tables.models import model_metrics, model_versions, models, trainings
from mintmark_lineage.tables.webhooks import deliveries, webhooks

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
