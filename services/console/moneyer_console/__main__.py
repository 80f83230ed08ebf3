"""``python -m moneyer_console api``: the one place where settings are read."""

import logging
import sys
from contextlib import suppress

from moneyer_console.app import create_app
from moneyer_console.settings import Settings
from moneyer_shared.server import server_of
from moneyer_shared.telemetry import configure_logging

COULD_NOT_START = 3


def main(role: str) -> None:
    if role != "api":
        raise SystemExit(__doc__)
    settings = Settings.model_validate({})
    configure_logging("console", settings.log_level)
    # It logs every address it asks, and with them what people search for.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    server = server_of(create_app(settings), host=settings.host, port=settings.port)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(COULD_NOT_START)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
