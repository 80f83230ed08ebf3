"""``python -m moneyer_local.identity``: answer at the issuer's own address."""

import json
import os
from pathlib import Path

import uvicorn

from moneyer_local.identity.app import create_app


def main() -> None:
    registry = json.loads(Path(os.environ["MONEYER_IDENTITY_REGISTRY"]).read_text())
    issuer = os.environ["MONEYER_IDENTITY_ISSUER"]
    app = create_app(registry, issuer, console_url=os.environ["MONEYER_IDENTITY_CONSOLE_URL"])
    uvicorn.run(app, host="127.0.0.1", port=int(issuer.rsplit(":", 1)[1]), log_level="warning")


if __name__ == "__main__":
    main()
