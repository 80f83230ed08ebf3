"""Alembic's entry: run what ``versions/`` says on generation's database."""

from mintmark_generation.tables import metadata
from mintmark_shared.migrations import run_environment

run_environment(metadata)
