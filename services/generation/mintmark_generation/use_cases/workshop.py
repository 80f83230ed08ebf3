"""What every use case of generation works with."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from obstore.store import ObjectStore

from mintmark_generation.settings import Settings
from mintmark_shared.clients.evaluation import Evaluation
from mintmark_shared.clients.policy import Policy
from mintmark_shared.clock import Clock
from mintmark_shared.database import Database

RUN_JOB = "run"
SEARCH_JOB = "search"
MakeTable = Callable[[dict[str, Any]], AsyncGenerator[dict[str, Any]]]


@dataclass(frozen=True)
class Workshop:
    """Generation's collaborators."""

    settings: Settings
    database: Database
    clock: Clock
    policy: Policy
    evaluation: Evaluation
    objects: ObjectStore
    make_table: MakeTable
