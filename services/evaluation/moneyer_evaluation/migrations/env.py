"""Alembic's entry: run what ``versions/`` says on evaluation's database."""

from moneyer_evaluation.tables import metadata
from moneyer_shared.migrations import run_environment

run_environment(metadata)
