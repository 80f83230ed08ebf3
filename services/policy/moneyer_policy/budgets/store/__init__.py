"""Populations, their accounts, and the ledger."""
