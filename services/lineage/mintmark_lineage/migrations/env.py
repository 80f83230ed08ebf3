"""Alembic's entry: run what ``versions/`` says on lineage's database."""

from mintmark_lineage.tables import metadata
from mintmark_shared.migrations import run_environment

run_environment(metadata)
