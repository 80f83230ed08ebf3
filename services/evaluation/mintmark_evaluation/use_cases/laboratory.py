"""Evaluation's collaborators, which every use case is handed."""

from dataclasses import dataclass

from obstore.store import ObjectStore

from mintmark_evaluation.settings import Settings
from mintmark_shared.clients.generation import Generation
from mintmark_shared.clients.policy import Policy
from mintmark_shared.clock import Clock
from mintmark_shared.database import Database

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
