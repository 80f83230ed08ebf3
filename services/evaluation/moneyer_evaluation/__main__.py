"""``python -m moneyer_evaluation api|worker|migrate``: the one place where settings are read."""

import asyncio
import sys

from moneyer_evaluation.settings import MigrationSettings, Settings
from moneyer_shared.migrations import upgrade
from moneyer_shared.telemetry import configure_logging

# The service and its measures are brought in where they run; a migration waits for none of them.


async def run_worker(settings: Settings) -> None:
    from moneyer_evaluation.app import create_dependencies
    from moneyer_evaluation.worker import watch, work
    from moneyer_shared.service import Surroundings

    configure_logging("evaluation-worker", settings.log_level)
    around = Surroundings("evaluation", settings)
    dependencies = create_dependencies(settings, around)
    async with around.live([lambda: watch(dependencies)]):
        await work(dependencies)


def main(role: str) -> None:
    match role:
        case "api":
            from moneyer_evaluation.app import create_app
            from moneyer_shared.service import serve

            settings = Settings.model_validate({})
            serve(create_app(settings), settings, "evaluation")
        case "worker":
            asyncio.run(run_worker(Settings.model_validate({})))
        case "migrate":
            upgrade("moneyer_evaluation", MigrationSettings.model_validate({}).database_url.get_secret_value())
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
