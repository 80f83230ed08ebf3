"""The wing's tables."""
