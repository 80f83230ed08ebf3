"""Which addresses the house lets itself be made to call: those of the public internet, and networks named by hand.

Everything else is the house itself or its neighbours, whom nobody outside should have called (SSRF). The ranges are
those of IANA's special-purpose registries (RFC 6890 and its updates), written out: what a library calls "global"
changes from one version to the next.
"""

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
SPECIAL = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
"""Of IPv4: this host, private, shared, local, protocols, documentation, relays, benchmarks, multicast, reserved."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
SPECIAL_WITHIN = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))
"""Of global unicast: protocol assignments (Teredo, ORCHID, benchmarks), documentation, 6to4, AS112."""
NAT64 = IPv6Network("64:ff9b::/96")
LAST_32_BITS = 0xFFFF_FFFF


def meant_by(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address that is reached: an IPv6 address may stand for one of IPv4 (mapped, NAT64, 6to4)."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & LAST_32_BITS)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one host of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL)
    return address in GLOBAL_UNICAST and not any(address in network for network in SPECIAL_WITHIN)


def may_be_called(address: str, allowed: Sequence[Network], *, public: bool) -> bool:
    """Whether the house may call an address: it lies in a network that was named or, if ``public``, in the internet.

    6to4 is judged by the address it stands for and, being a special range itself, counts as public for nobody.
    """
    try:
        found = ip_address(address)
    except (AddressValueError, ValueError):
        return False
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        # A zone means a link of this machine.
        return False
    meant = meant_by(found)
    if any(meant in network for network in allowed):
        return True
    relayed = isinstance(found, IPv6Address) and found.sixtofour is not None
    return public and not relayed and is_public(meant)
