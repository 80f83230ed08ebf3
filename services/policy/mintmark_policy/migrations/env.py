"""Alembic's entry: run what ``versions/`` says on policy's database."""

from mintmark_policy.tables import metadata
from mintmark_shared.migrations import run_environment

run_environment(metadata)
