"""What a job is, what is heard of it, and whoever carries it."""

from collections.abc import AsyncGenerator
from typing import Any, Protocol

Job = dict[str, Any]
"""What a child process is to do, as JSON: a table to make (``generators.child.make``), a domain to measure
(``measure``), or fits to score (``audit``)."""
Message = dict[str, Any]
"""What a child says, as JSON, one of: ``progress`` (a share of 1), ``fitted``, its result ``measured`` or ``done``."""


class Executor(Protocol):
    """Where jobs are carried: beside the worker, or on a cluster."""

    async def ready(self) -> None: ...

    def messages(self, job: Job) -> AsyncGenerator[Message]: ...

    async def aclose(self) -> None: ...
