"""How a route finds the office."""

from typing import Annotated, Any

from fastapi import Depends, Request

from moneyer_policy.reviews.use_cases.office import Office


async def the_office(request: Request) -> Any:
    return request.app.state.dependencies


InOffice = Annotated[Office, Depends(the_office)]
