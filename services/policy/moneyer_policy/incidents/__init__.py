"""Incidents, feedback, and whose matter something is."""
