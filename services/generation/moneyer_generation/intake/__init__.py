"""Uploads: received under seal, read batch by batch, and checked against their declaration."""
