"""The address that a request comes from: the peer's, or the one that our own proxies name."""

import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest

FORWARDED: Final = "HTTP_X_FORWARDED_FOR"
_IPV6_NETWORK: Final = 64
"""A provider gives each customer a network of at least this prefix, so all of its addresses count as one."""


def client(request: HttpRequest) -> str:
    """Return the address that the request comes from; "" over a Unix socket. Only our own proxies are trusted."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    entries = [entry.strip() for entry in request.META.get(FORWARDED, "").split(",")]
    if not settings.WEB_PROXIES or len(entries) < settings.WEB_PROXIES:
        return peer
    # Each proxy appends the address of its own peer. The client can have written everything before those.
    return _address(entries[-settings.WEB_PROXIES]) or peer


def is_local(request: HttpRequest) -> bool:
    """Say whether the request was sent from this machine, without a proxy in between."""
    address = _parsed(str(request.META.get("REMOTE_ADDR") or ""))
    return address is not None and address.is_loopback and FORWARDED not in request.META


def network(address: str) -> str:
    """Return what requests are counted by: an IPv4 address, or the network of an IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, _IPV6_NETWORK), strict=False))
    return address if parsed is None else str(parsed)


def _address(entry: str) -> str:
    bare = entry.partition("]")[0].removeprefix("[") if entry.startswith("[") else entry
    if bare.count(":") == 1:  # an IPv4 address with its port
        bare = bare.partition(":")[0]
    parsed = _parsed(bare)
    return "" if parsed is None else str(parsed)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket that accepts both kinds shows an IPv4 address as ::ffff:203.0.113.9.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
