"""Alembic's entry: run what ``versions/`` says on evaluation's database."""

from mintmark_evaluation.tables import metadata
from mintmark_shared.migrations import run_environment

run_environment(metadata)
