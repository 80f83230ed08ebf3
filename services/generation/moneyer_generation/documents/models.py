"""Fitted models that are kept."""

from datetime import datetime
from uuid import UUID

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import Guarantee, Parameter


class Model(Document):
    """A model that a run fitted and kept, sealed under that run's key; a plan samples it again by the run's id.

    What it is a version of: this engine's version, with these parameters, on this version of the source.
    """

    id: UUID
    charter_id: UUID
    source_id: UUID
    source_version_id: UUID
    generator: str
    engine_version: str
    parameters: dict[str, Parameter]
    guarantee: Guarantee
    fitted_by: str
    requested_at: datetime
    sampled_again: int
