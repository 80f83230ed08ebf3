"""A worker of generation in a process of its own, to be killed: ``python -m generation.deliveries.killed_worker SETTINGS BOOK``."""

import asyncio
import json
import sys
from pathlib import Path

from generation.deliveries.readers import PolicyOfReaders

from moneyer_generation.app import create_dependencies
from moneyer_generation.settings import Settings
from moneyer_generation.worker import work
from moneyer_shared.service import Surroundings


async def main(settings: Settings, book: Path) -> None:
    around = Surroundings("generation", settings)
    async with around.live():
        await work(create_dependencies(settings, around, policy=PolicyOfReaders(book)))


if __name__ == "__main__":
    asyncio.run(main(Settings.model_validate(json.loads(sys.argv[1])), Path(sys.argv[2])))
