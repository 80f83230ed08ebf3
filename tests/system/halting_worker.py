"""A real generation worker whose collaborators stand still at one point, so that it can be killed there.

It says "halted" when it stands; what it stands before or after is the real thing.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from moneyer_generation.app import create_dependencies
from moneyer_generation.execution.children import Children
from moneyer_generation.settings import Settings
from moneyer_generation.worker import work
from moneyer_shared.clients.policy import PolicyOverHttp
from moneyer_shared.contracts.policy import RedeemRequest, Redemption, SettleRequest
from moneyer_shared.service import Surroundings

HALT_AT = sys.argv[1]


async def halt() -> None:
    print("halted", flush=True)
    await asyncio.Event().wait()


class HaltingPolicy(PolicyOverHttp):
    async def redeem(self, permit_id: UUID, request: RedeemRequest, *, run_id: UUID) -> Redemption:
        if HALT_AT == "before-redeem":
            await halt()
        redeemed = await super().redeem(permit_id, request, run_id=run_id)
        if HALT_AT == "after-redeem":
            await halt()
        return redeemed

    async def settle(self, permit_id: UUID, request: SettleRequest) -> None:
        if HALT_AT == "before-settling":
            await halt()
        await super().settle(permit_id, request)


class HaltingChildren(Children):
    async def messages(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        async with aclosing(super().messages(job)) as told:
            async for message in told:
                if HALT_AT == "while-fitting" and "progress" in message:
                    await halt()
                if HALT_AT == "model-sealed" and "fitted" in message:
                    await halt()
                if HALT_AT == "while-writing" and "done" in message:
                    await halt()
                yield message


async def main() -> None:
    settings = Settings.model_validate({})
    around = Surroundings("generation", settings)
    policy = HaltingPolicy(around.peer("policy", settings.policy_url))
    async with around.live():
        await work(create_dependencies(settings, around, policy=policy, executor=HaltingChildren()))


asyncio.run(main())
