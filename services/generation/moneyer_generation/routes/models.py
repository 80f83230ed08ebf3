"""Fitted models that are kept."""

from moneyer_generation.use_cases.models import list_models
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/models", tag="models")
SUMMARY = "Fitted models that can be sampled again"

routes.add("GET", "", list_models, SUMMARY, scope="generation:read", page="id")
