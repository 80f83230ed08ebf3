"""Budgets: populations, their accounts and what was charged."""
