"""Lineage: OpenLineage in, graph and records out, and an audit log an outsider can verify."""
