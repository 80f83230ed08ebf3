"""Alembic's entry: run what ``versions/`` says on lineage's database."""

from moneyer_lineage.tables import metadata
from moneyer_shared.migrations import run_environment

run_environment(metadata)
