"""SQL: rows in, domain values out; nothing here commits."""
