"""Alembic's entry: run what ``versions/`` says on policy's database."""

from moneyer_policy.metadata import metadata
from moneyer_shared.migrations import run_environment

run_environment(metadata)
