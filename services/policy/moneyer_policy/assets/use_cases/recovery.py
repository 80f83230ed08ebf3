"""``python -m moneyer_policy.assets.use_cases.recovery``: a fresh process tries to open a key with all that is left.

It gets on standard input what an intruder with every disk, the database and the master key would have, and
says on standard output whether that was enough. Being new it remembers nothing the service may hold in memory.
"""

import asyncio
import json
import sys
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from moneyer_policy.assets.use_cases.keyring import Keyring, Vault, WrappedKey


async def is_recoverable(keyring: Keyring, key: WrappedKey) -> bool:
    """Whether a new process opens the key.

    Raises:
        RuntimeError: the process could not be asked, so that nothing is known.
    """
    asked = {
        "id": str(key.id), "resource": key.resource, "shared": key.shared,
        "wrapped": b64encode(key.wrapped).decode() if key.wrapped is not None else None,
        "master_key": keyring.master_key, "vault": str(keyring.vault.directory.absolute()),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await process.communicate(json.dumps(asked).encode())
    if process.returncode != 0:
        raise RuntimeError(f"the recovery process ended with {process.returncode}")
    return bool(json.loads(answer)["recovered"])


def recovers(asked: dict[str, Any]) -> bool:
    """Whether a data key comes out, with the share or with the master key alone."""
    wrapped = b64decode(asked["wrapped"]) if asked["wrapped"] is not None else None
    key = WrappedKey(UUID(asked["id"]), asked["resource"], wrapped, bool(asked["shared"]))
    keyring = Keyring(asked["master_key"], Vault(Path(asked["vault"])))
    return any(keyring.can_open(tried) for tried in (key, replace(key, shared=False)))


if __name__ == "__main__":
    json.dump({"recovered": recovers(json.load(sys.stdin))}, sys.stdout)
