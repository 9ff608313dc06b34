"""Where a request comes from: the peer, or whom as many proxies as are ours say that it is from."""

import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest

FORWARDED: Final = "HTTP_X_FORWARDED_FOR"
_IPV6_NETWORK: Final = 64
"""What one customer of an internet provider has at least, so that each of its addresses is the same asker."""


def client(request: HttpRequest) -> str:
    """Return the address that the request comes from, as far as it can be trusted; "" over a Unix socket."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    entries = [entry.strip() for entry in request.META.get(FORWARDED, "").split(",")]
    if not settings.WEB_PROXIES or len(entries) < settings.WEB_PROXIES:
        return peer
    # Each proxy adds at the end whom it heard it from; what stands before is whatever the client wrote.
    return _address(entries[-settings.WEB_PROXIES]) or peer


def is_local(request: HttpRequest) -> bool:
    """Say whether the request was sent on this machine, with nothing in between that could be listened to."""
    address = _parsed(str(request.META.get("REMOTE_ADDR") or ""))
    return address is not None and address.is_loopback and FORWARDED not in request.META


def asker(address: str) -> str:
    """Return whom to count requests of: the address, or the network that an IPv6 address belongs to."""
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
    # A socket that takes both kinds writes an IPv4 address as ::ffff:203.0.113.9.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
