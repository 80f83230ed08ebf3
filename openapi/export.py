"""Write the four OpenAPI documents and the contract of events, or with ``--check`` say which are not current."""

import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from moneyer_evaluation.app import create_app as create_evaluation
from moneyer_evaluation.settings import Settings as EvaluationSettings
from moneyer_generation.app import create_app as create_generation
from moneyer_generation.settings import Settings as GenerationSettings
from moneyer_lineage.app import create_app as create_lineage
from moneyer_lineage.settings import Settings as LineageSettings
from moneyer_policy.app import create_app as create_policy
from moneyer_policy.settings import Settings as PolicySettings
from moneyer_shared.contracts import events

HERE = Path(__file__).parent
SOME_KEY = b64encode(bytes(32)).decode()
COMMON = {
    "database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing",
    "issuer": "http://127.0.0.1:1",
    "token_url": "http://127.0.0.1:1/token",
    "client_id": "export",
    "client_secret": "export",
}
NOBODY = "http://127.0.0.1:1"
PEERS = {"policy_url": NOBODY, "objects_url": "memory:///"}


def documents() -> dict[str, dict[str, Any]]:
    """Each service's document; nothing is started and nobody is asked."""
    policy = PolicySettings.model_validate(COMMON | {"master_key": SOME_KEY, "signing_key": SOME_KEY, "vault": "."})
    generation = GenerationSettings.model_validate(COMMON | PEERS | {"evaluation_url": NOBODY})
    evaluation = EvaluationSettings.model_validate(COMMON | PEERS | {"generation_url": NOBODY})
    lineage = LineageSettings.model_validate(
        COMMON | {"checkpoint_key": SOME_KEY, "webhook_key": SOME_KEY, "policy_url": NOBODY, "evaluation_url": NOBODY}
    )
    return {
        "policy": create_policy(policy).openapi(),
        "generation": create_generation(generation).openapi(),
        "evaluation": create_evaluation(evaluation).openapi(),
        "lineage": create_lineage(lineage).openapi(),
    }


def rendered() -> dict[Path, str]:
    return {
        HERE / f"{name}.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in (*documents().items(), ("events", events.published()))
    }


def main() -> None:
    check = "--check" in sys.argv
    stale = [path for path, text in rendered().items() if not path.exists() or path.read_text() != text]
    if check and stale:
        print("not current, run make openapi:", *(path.name for path in stale))
        sys.exit(1)
    if not check:
        for path, text in rendered().items():
            path.write_text(text)
        print("written:", *(path.name for path in rendered()))


if __name__ == "__main__":
    main()
