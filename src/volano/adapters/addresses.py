"""Which addresses of the network may be reached from here: the open internet, and what the owner names."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import inet_aton

from volano.errors import BadInput

_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is given out to anybody; the rest is none of theirs
# What lies within and leads elsewhere or nowhere: IANA's special-purpose registries (RFC 6890), and the
# address at which a large cloud tells its machines their secrets, though it looks like any other.
_SPECIAL = tuple(
    map(
        ip_network,
        "2001::/23 2001:db8::/32 2002::/16 3fff::/20 192.0.0.0/24 192.88.99.0/24 168.63.129.16".split(),
    )
)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_NUMBERS = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Allowed:
    """What of our own networks may be reached: hosts by their name, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> Allowed:
        """As the setting has it, names and networks with a space between.

        >>> sorted(Allowed.of("CRM.internal 10.0.0.0/8").names)
        ['crm.internal']
        """
        names, networks = set(), []
        for word in text.replace(",", " ").lower().split():
            try:
                networks.append(ip_network(word, strict=False))
            except ValueError:
                if not _NAME.fullmatch(word):
                    raise BadInput(
                        f"VOLANO_HOOK_NETWORKS has {word[:100]!r}; it must be a name such as crm.internal "
                        "or a network such as 10.0.0.0/8"
                    ) from None
                names.add(word)
        return cls(frozenset(names), tuple(networks))

    def name(self, host: str) -> bool:
        """Whether the host is named."""
        return plain(host) in self.names

    def address(self, address: Address) -> bool:
        """Whether the address lies in one of the networks."""
        return any(address in network for network in self.networks)


def plain(host: str) -> str:
    """A name in one spelling."""
    return host.lower().rstrip(".")


def parsed(text: str) -> Address | None:
    """The address that a resolver gave; None for what is none, or only one on some wire of this machine.

    >>> parsed("fe80::1%eth0") is None
    True
    """
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def spelled(host: str) -> Address | None:
    """The address that a host of an address on the web is, also as old programs write it; None for a name.

    >>> [str(spelled(host)) for host in ("127.1", "0x7f000001", "::1", "cafe")]
    ['127.0.0.1', '127.0.0.1', '::1', 'None']
    """
    if _NUMBERS.fullmatch(host):
        with suppress(OSError):
            return IPv4Address(inet_aton(host))
    return parsed(host)


def public(address: Address) -> bool:
    """Whether it is one machine's on the open internet, and says so itself: what wraps another is not.

    >>> [public(ip_address(one)) for one in ("8.8.8.8", "10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808")]
    [True, False, False, False]
    """
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    if any(address in network for network in _SPECIAL if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast
