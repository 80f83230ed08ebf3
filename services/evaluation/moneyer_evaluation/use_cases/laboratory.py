"""Evaluation's collaborators, which every use case is handed."""

from dataclasses import dataclass

from obstore.store import ObjectStore

from moneyer_evaluation.settings import Settings
from moneyer_shared.clients.generation import Generation
from moneyer_shared.clients.policy import Policy
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database

ASSAY_JOB, LOOK_JOB = "assay", "look"


@dataclass(frozen=True)
class Laboratory:
    """Where assays are made and monitors kept."""

    settings: Settings
    database: Database
    clock: Clock
    policy: Policy
    generation: Generation
    objects: ObjectStore
