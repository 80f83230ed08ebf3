"""Generation's alembic tree."""
