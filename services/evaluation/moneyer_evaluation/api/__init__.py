"""Evaluation's routes: words in, one use case, words out."""

from moneyer_evaluation.api import assays, measures, monitors, owners, shares

ROUTERS = (assays.router, measures.router, monitors.router, shares.router, owners.router)
