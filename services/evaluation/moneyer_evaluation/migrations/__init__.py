"""Evaluation's alembic tree."""
