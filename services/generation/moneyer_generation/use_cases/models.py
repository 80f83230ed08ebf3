"""Fitted models that are kept: sampled again by a plan that names one, and gone when its table is retired."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_generation.dependencies import Work
from moneyer_generation.documents.models import Model


async def list_models(work: Work, after: UUID | None = None) -> Sequence[Model]:
    return await work.runs.models(after)
