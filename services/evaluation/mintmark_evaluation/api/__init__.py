"""Evaluation's routes: words in, one use case, words out."""

from mintmark_evaluation.api import assays, measures, monitors, owners, shares

ROUTERS = (assays.router, measures.router, monitors.router, shares.router, owners.router)
