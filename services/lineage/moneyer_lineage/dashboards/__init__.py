"""Counts and figures over time, and a summary of now."""
