"""What every use case of generation works with."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from obstore.store import ObjectStore

from moneyer_generation.settings import Settings
from moneyer_shared.clients.evaluation import Evaluation
from moneyer_shared.clients.policy import Policy
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database

RUN_JOB = "run"
SEARCH_JOB = "search"
AUDIT_JOB = "audit"
Ready = Callable[[], Awaitable[None]]
MakeTable = Callable[[dict[str, Any]], AsyncGenerator[dict[str, Any]]]


class Executor(Protocol):
    """Where jobs are carried: beside the worker, or on a cluster."""

    async def ready(self) -> None: ...

    def messages(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]: ...

    async def aclose(self) -> None: ...


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
    ready: Ready
    """Raises Unavailable where no table can be made now; asked before a permit is redeemed."""
