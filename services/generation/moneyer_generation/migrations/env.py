"""Alembic's entry: run what ``versions/`` says on generation's database."""

from moneyer_generation.tables import metadata
from moneyer_shared.migrations import run_environment

run_environment(metadata)
