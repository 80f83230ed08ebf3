"""How a route finds the workshop."""

from typing import Annotated

from fastapi import Depends, Request

from moneyer_generation.dependencies import Workshop


async def _workshop(request: Request) -> Workshop:
    workshop: Workshop = request.app.state.workshop
    return workshop


InWorkshop = Annotated[Workshop, Depends(_workshop)]
