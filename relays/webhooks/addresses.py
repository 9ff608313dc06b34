"""Which addresses a webhook may have: none inside the own network, whatever its name resolves to.

# Note [Only a checked address is connected to]
A name is resolved once for each attempt. Every address that it resolves to must be public, and the connection goes to
the address that was checked. So a name that resolves otherwise a moment later changes nothing. A redirect is not
followed.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

_NAT64: Final = ip_network("64:ff9b::/96")
_PORTS: Final = {"https": 443, "http": 80}
_LONGEST: Final = 2000


class AddressRefused(Exception):
    """A webhook must not go to this address."""


class Target(NamedTuple):
    """A parsed address."""

    is_encrypted: bool
    host: str
    port: int
    path: str


def parsed(url: str) -> Target:
    """Return the parts of an address; raises AddressRefused for one that no webhook may have."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"it is not an address: {error}") from error
    if len(url) > _LONGEST or not url.isascii() or any(character <= " " for character in url):
        raise AddressRefused(f"it must have at most {_LONGEST} ASCII characters, and no spaces")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused("it must begin with https:// and a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("it must have no user, password or fragment")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", parts.hostname, port or _PORTS[parts.scheme], path)


def checked_address(target: Target) -> str:
    """Resolve the host and return one of its addresses; raises AddressRefused, and OSError if it has none.

    See Note [Only a checked address is connected to].
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(address[4][0]) for address in found]
    for address in addresses:
        is_own = _is_allowed(address)
        if not is_own and not is_public(address):
            resolved = "" if address == target.host else f"{address}, "
            raise AddressRefused(f"{target.host} is {resolved}inside this network (WEBHOOK_NETWORKS allows some)")
        if not is_own and not target.is_encrypted:
            raise AddressRefused("it must begin with https://")
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an address is one of the internet, also if an IPv4 address is written within an IPv6 address."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if ip.teredo is not None or (embedded is not None and not is_public(str(embedded))):
            return False
    return ip.is_global and not ip.is_multicast


def _is_allowed(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    return any(ip in ip_network(network, strict=False) for network in settings.WEBHOOK_NETWORKS)
