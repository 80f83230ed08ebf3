"""The wing's only SQL: nothing here commits."""
