"""Lineage's only SQL: rows in, rows and hashes out; nothing here commits."""
