"""``python -m moneyer_generation api|worker|migrate``: the one place where settings are read."""

import asyncio
import logging
import sys
from contextlib import aclosing

from moneyer_generation.execution.children import Children, JobLimits
from moneyer_generation.execution.protocol import Executor
from moneyer_generation.execution.ray_children import RayChildren
from moneyer_generation.settings import MigrationSettings, Settings
from moneyer_shared import custody
from moneyer_shared.migrations import upgrade
from moneyer_shared.telemetry import configure_logging

# The service is brought in where it runs; a migration waits for none of it.


async def run_worker(settings: Settings) -> None:
    from moneyer_generation.app import create_dependencies
    from moneyer_generation.worker import work
    from moneyer_shared.service import Surroundings

    configure_logging("generation-worker", settings.log_level)
    around = Surroundings("generation", settings)
    limits = JobLimits(settings.job_seconds, settings.job_mebibytes)
    async with around.live(), aclosing(executor_of(settings, limits)) as executor:
        await work(create_dependencies(settings, around, executor=executor))


def executor_of(settings: Settings, limits: JobLimits) -> Executor:
    if settings.ray_address is None:
        return Children(limits, keep_spare=settings.keep_spare)
    return RayChildren(settings.ray_address, limits)


def settings_of_house() -> Settings:
    """What the surroundings say, once the object store was seen to be one; one that is away is asked again later.

    Raises:
        SystemExit: it writes over what is sealed, and nothing may be sealed in it.
    """
    settings = Settings.model_validate({})
    try:
        custody.check_writes_once(settings.objects_url)
    except custody.StoreUnfit as error:
        raise SystemExit(f"The object store cannot be used: {error}. Choose one that keeps that promise.") from None
    except Exception as error:
        logging.getLogger("moneyer.service").warning("the object store does not answer yet", exc_info=error)
    return settings


def main(role: str) -> None:
    match role:
        case "api":
            from moneyer_generation.app import create_app
            from moneyer_shared.service import serve

            settings = settings_of_house()
            serve(create_app(settings), settings, "generation")
        case "worker":
            asyncio.run(run_worker(settings_of_house()))
        case "migrate":
            upgrade("moneyer_generation", MigrationSettings.model_validate({}).database_url.get_secret_value())
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
