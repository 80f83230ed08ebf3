"""The moneyer client: ``Moneyer`` and ``AsyncMoneyer`` send the calls of ``moneyer.calls``.

from moneyer import Moneyer, calls
with Moneyer.from_directory(".moneyer", person="scientist") as client:
    run = client.send(calls.request_generation(plan, key="my-first-run"))
    frame = client.assets.table(run["id"]).to_pandas()  # once it is released
"""

from moneyer import calls
from moneyer.client import AsyncMoneyer, Connection, Moneyer, Refused
from moneyer.transfer import NotAsStated

__all__ = ["AsyncMoneyer", "Connection", "Moneyer", "NotAsStated", "Refused", "calls"]
