"""``python -m moneyer_lineage api|migrate``: the one place where settings are read."""

import sys

from moneyer_lineage.settings import MigrationSettings, Settings
from moneyer_shared.migrations import upgrade


def main(role: str) -> None:
    match role:
        case "api":
            # The whole service; a migration needs none of it, and waits for none of it to be brought in.
            from moneyer_lineage.app import create_app
            from moneyer_shared.service import serve

            settings = Settings.model_validate({})
            serve(create_app(settings), settings, "lineage")
        case "migrate":
            upgrade("moneyer_lineage", MigrationSettings.model_validate({}).database_url.get_secret_value())
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
