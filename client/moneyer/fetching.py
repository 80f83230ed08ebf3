"""A public document by its URL: https alone, at an address of the public internet, whole and of bounded size.

The rules are those of the house's own calls to strangers (``moneyer_shared.addresses``): what a name means is looked up
once and every address is checked, the connection goes to a checked one, and nobody is followed elsewhere.
"""

import socket
import time
from collections.abc import Callable, Sequence

import httpx

from moneyer_shared.addresses import may_be_called
from moneyer_shared.errors import Invalid

OK = 200
PATIENCE_SECONDS = 60.0
"""For all of it; timeouts of a client count anew with every byte."""
Resolve = Callable[[str, int], Sequence[str]]


def is_url(text: str) -> bool:
    return "://" in text


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, in the order the system prefers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch(url: str, *, largest: int, resolve: Resolve = look_up, http: httpx.Client | None = None) -> bytes:
    """The bytes at a URL.

    Raises:
        Invalid: it is no https URL, leads inside, leads on, is too large or slow, or does not answer with 200.
    """
    parsed = _checked(url)
    addresses = _addresses(parsed, resolve)
    with http or httpx.Client(timeout=15.0, trust_env=False, follow_redirects=False) as client:
        request = client.build_request(
            "GET",
            parsed.copy_with(host=addresses[0]),
            headers={"Host": parsed.netloc.decode(), "Accept-Encoding": "identity"},
            extensions={"sni_hostname": parsed.raw_host.decode()},
        )
        try:
            answer = client.send(request, stream=True)
        except httpx.HTTPError:
            raise _unfetched("it could not be reached") from None
        try:
            return _read(answer, largest)
        finally:
            answer.close()


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise _unfetched("it is no URL") from None
    if parsed.scheme != "https" or not parsed.host or parsed.userinfo:
        raise _unfetched("only https URLs are fetched, without a user")
    return parsed


def _addresses(url: httpx.URL, resolve: Resolve) -> Sequence[str]:
    try:
        found = resolve(url.host, url.port or 443)
    except (OSError, UnicodeError):
        raise _unfetched("its name is not known") from None
    if not found or not all(may_be_called(address, (), public=True) for address in found):
        raise _unfetched("its name leads to no address of the public internet")
    return found


def _read(answer: httpx.Response, largest: int) -> bytes:
    if answer.status_code != OK:
        raise _unfetched(f"it answered {answer.status_code}; nobody is followed elsewhere")
    content, ends = bytearray(), time.monotonic() + PATIENCE_SECONDS
    try:
        for chunk in answer.iter_raw():
            content += chunk
            if len(content) > largest or time.monotonic() > ends:
                raise _unfetched(f"it is larger than {largest} bytes, or takes longer than {PATIENCE_SECONDS:.0f} s")
    except httpx.HTTPError:
        raise _unfetched("it broke off") from None
    return bytes(content)


def _unfetched(why: str) -> Invalid:
    return Invalid(f"The URL was not fetched: {why}.", code="url-not-fetched")
