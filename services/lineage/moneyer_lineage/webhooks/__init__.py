"""Whom lineage calls when something becomes of an asset."""
