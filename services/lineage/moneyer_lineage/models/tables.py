"""Models that were trained on assets, and how they do."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import identifier, moment, words

models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    words("owner"),
    Column("shared_with", ARRAY(Text), nullable=False, server_default="{}"),
    words("description"),
    moment("registered_at"),
    Index("ix_models_owner", "owner"),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("model", Text, ForeignKey("models.name"), nullable=False),
    words("version"),
    Column("uri", Text),
    moment("trained_at"),
    moment("registered_at"),
    PrimaryKeyConstraint("model", "version"),
)

trainings = Table(
    "trainings",
    metadata,
    words("model"),
    words("version"),
    words("asset_id"),
    PrimaryKeyConstraint("model", "version", "asset_id"),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
    Index("ix_trainings_asset_id", "asset_id"),
)
"""Which assets a version was trained on: what was told once stays."""

model_metrics = Table(
    "model_metrics",
    metadata,
    identifier(),
    words("model"),
    words("version"),
    words("metric"),
    Column("subgroup", Text, nullable=False, server_default=""),
    moment("measured_at"),
    Column("value", DOUBLE_PRECISION, nullable=False),
    Column("lower", DOUBLE_PRECISION),
    Column("upper", DOUBLE_PRECISION),
    Column("n", Integer),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
    Index("uq_model_metrics_said", "model", "version", "metric", "subgroup", "measured_at", unique=True),
    Index("ix_model_metrics_metric", "metric", "subgroup"),
)
"""One figure of a version at a time, of everybody (an empty subgroup) or of some."""
