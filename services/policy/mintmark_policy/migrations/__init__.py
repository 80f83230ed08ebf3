"""Policy's alembic tree."""
