"""Lineage's own database: the tables of every wing."""

from moneyer_lineage.dashboards.tables import asset_states, counted, counts
from moneyer_lineage.log.tables import checkpoints, cosignatures, leaves, nodes, outposts
from moneyer_lineage.metadata import audit_events, idempotency_keys, metadata
from moneyer_lineage.models.tables import model_metrics, model_versions, models, trainings
from moneyer_lineage.public.tables import cards, charter_cards
from moneyer_lineage.record.tables.assets import asset_changes, outcomes
from moneyer_lineage.record.tables.events import (
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
from moneyer_lineage.webhooks.tables import deliveries, webhooks

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
