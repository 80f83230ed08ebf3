"""The mintmark client: ``Mintmark`` and ``AsyncMintmark`` send the calls of ``mintmark.calls``.

from mintmark import Mintmark, calls
with Mintmark.from_directory(".mintmark", person="scientist") as client:
    run = client.send(calls.request_generation(plan, key="my-first-run"))
"""

from mintmark import calls
from mintmark.client import AsyncMintmark, Connection, Mintmark, Refused

__all__ = ["AsyncMintmark", "Connection", "Mintmark", "Refused", "calls"]
