"""Evaluation's routes: words in, one use case, words out."""

from mintmark_evaluation.api import assays

ROUTERS = (assays.router,)
