"""Lineage's alembic tree."""
