"""One call to a stranger: at an address that was checked, within a whole limit of time, and nothing read of the answer.

What went wrong on the way is told to the webhook's owner in one sentence, whatever it was: a name there is not, an
address that is not to be called, a port that is shut. Else a webhook would be a map of the networks behind the house.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from moneyer_shared.addresses import Network, may_be_called

PATIENCE_SECONDS = 15.0
"""For the whole of an attempt; timeouts of a client count anew with every byte."""
CONNECT_SECONDS = 3.0
"""For one address of a name, so that the next has its turn within the attempt."""
GONE = 410
UNREACHED = "it could not be reached, or did not answer in time"
LOOKUPS_AT_ONCE = 16
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
logger = logging.getLogger("moneyer.webhooks")
_lookups = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")
"""Threads of their own: a name service that drags its feet holds up lookups, and no other work."""


class NotTaken(Exception):
    """A receiver did not take a delivery; it is tried again later."""


class GoneForGood(NotTaken):
    """A receiver says that it wants no more of these."""


class Unreached(NotTaken):
    """No receiver was spoken with; ``why`` is for the operator's log alone."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(UNREACHED)


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, in the order the system prefers.

    Raises:
        OSError: it has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_lookups, _look_up, host, port)
    return list(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def plain_client() -> httpx.AsyncClient:
    """A client for strangers: no proxy, no redirect, and no connection that outlives its request.

    A connection is to an address; kept, it would be used for another host of the same address.
    """
    patience = httpx.Timeout(PATIENCE_SECONDS, connect=CONNECT_SECONDS)
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=patience, limits=limits, trust_env=False, follow_redirects=False)


@dataclass(frozen=True)
class Messenger:
    """Calls webhooks, and only at addresses of the public internet or of the ``networks`` that were named.

    ``patience``: seconds that one attempt may take, whatever it waits for.
    """

    http: httpx.AsyncClient
    networks: Sequence[Network] = ()
    resolve: Resolve = resolve
    patience: float = PATIENCE_SECONDS

    async def check(self, url: httpx.URL) -> None:
        """See that a URL may be called now.

        Raises:
            Unreached: it may not.
        """
        async with self._in_time():
            await self._addresses_of(url)

    async def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> str:
        """Post once; how it was answered.

        Raises:
            NotTaken: it was not answered with a 2xx.
        """
        parsed = httpx.URL(url)
        async with self._in_time():
            status = await self._post(parsed, await self._addresses_of(parsed), headers, body)
        if status == GONE:
            raise GoneForGood(f"answered {GONE}")
        if not httpx.codes.is_success(status):
            raise NotTaken(f"answered {status}")
        return f"answered {status}"

    @asynccontextmanager
    async def _in_time(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self.patience):
                yield
        except TimeoutError as error:
            raise Unreached("it did not answer in time") from error

    async def _addresses_of(self, url: httpx.URL) -> Sequence[str]:
        """The addresses to call, looked up now: what a name meant when it was registered it need not mean any more."""
        secure = url.scheme == "https"
        try:
            found = await self.resolve(url.host, url.port or (443 if secure else 80))
        except (OSError, UnicodeError) as error:
            # A label that is too long, or no IDNA, is a UnicodeError.
            raise Unreached("its name is not known") from error
        if not found or not all(may_be_called(address, self.networks, public=secure) for address in found):
            raise Unreached("its name leads where the house may not call")
        return found

    async def _post(self, url: httpx.URL, addresses: Sequence[str], headers: Mapping[str, str], body: bytes) -> int:
        """The status that the first address to take a connection answers with."""
        why = ""
        for address in addresses:
            try:
                return await self._post_to(url, address, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                why = f"{type(error).__name__} at {address}"
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                # It was spoken with: at another address it would be told twice.
                raise Unreached(f"{type(error).__name__} at {address}") from error
        raise Unreached(why)

    async def _post_to(self, url: httpx.URL, address: str, headers: Mapping[str, str], body: bytes) -> int:
        request = self.http.build_request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers={"Host": url.netloc.decode(), **headers},
            extensions={"sni_hostname": url.raw_host.decode()},
        )
        answer = await self.http.send(request, stream=True)
        # What a stranger answers is not read: it may be endless.
        await answer.aclose()
        return answer.status_code
