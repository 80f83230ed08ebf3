"""Evaluation: assays of synthetic tables, every figure with its uncertainty."""
