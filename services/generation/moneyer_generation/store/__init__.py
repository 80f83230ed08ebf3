"""Generation's only SQL: rows in, documents and records out; nothing here commits."""
