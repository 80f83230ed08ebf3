"""Evaluation's only SQL: documents in, documents out; nothing here commits."""
