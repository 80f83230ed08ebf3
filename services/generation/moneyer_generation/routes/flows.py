"""What routes that are written by hand work with: the use cases' workflow, for whoever holds a scope."""

from typing import Annotated, Any

from fastapi import Depends, Request

from moneyer_generation.dependencies import Dependencies, Flow
from moneyer_shared.auth import Caller, requires
from moneyer_shared.work import Workflow


def flow_with(scope: str) -> Any:
    """A dependency: the workflow of the caller, who must hold ``scope``."""

    async def flow(request: Request, caller: Caller = requires(scope)) -> Flow:
        dependencies: Dependencies = request.app.state.dependencies
        return Workflow(dependencies, caller)

    return Depends(flow)


ReadersFlow = Annotated[Flow, flow_with("generation:read")]
