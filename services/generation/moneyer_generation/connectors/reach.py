"""Where a connection may lead: hosts looked up once, every address of theirs checked, and those very addresses called.

The rule is that of webhooks: the public internet, and besides it the hosts that the operator named. A named host may
lead into private networks and to this machine; no name leads to a link's own addresses, where clouds keep metadata.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from moneyer_generation.connectors.faults import not_allowed, unreachable
from moneyer_shared.addresses import Network, may_be_called

PRIVATE: tuple[Network, ...] = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "::1/128"),
    )
)


@dataclass(frozen=True)
class Reach:
    """The hosts that the operator named, and what was looked up so far."""

    named: frozenset[str]
    _known: dict[tuple[str, int], Sequence[str]] = field(default_factory=dict[tuple[str, int], Sequence[str]])

    def is_named(self, host: str) -> bool:
        return _plain(host) in self.named

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses to call for a host; what it means it means for the whole of a pull.

        Raises:
            Fault: the house may not call it, or it is not known.
        """
        key = (_plain(host), port)
        if key not in self._known:
            self._known[key] = self._checked(*key)
        return self._known[key]

    def _checked(self, host: str, port: int) -> Sequence[str]:
        found = _look_up(host, port)
        networks = PRIVATE if self.is_named(host) else ()
        if found and all(may_be_called(address, networks, public=True) for address in found):
            return found
        if self.is_named(host) and not found:
            raise unreachable()
        # Whether an unnamed host has no address or an inner one is not told: names behind the house are its own.
        raise not_allowed(
            "The house may not reach that host: no address of the public internet is known of it, and the operator "
            "does not name it in CONNECTOR_HOSTS."
        )

    def check_plain(self, host: str) -> None:
        """That a host may be spoken with unencrypted: only where the operator named it.

        Raises:
            Fault: it was not.
        """
        if not self.is_named(host):
            raise not_allowed("Without TLS only hosts are spoken with that the operator names in CONNECTOR_HOSTS.")


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
