"""Only our own proxies are believed about the address of a client."""

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from web import addresses


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "not an address", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (2, "203.0.113.9", "10.0.0.1"),
    ],
)
def test_only_entries_of_our_own_proxies_are_believed(
    proxies: int, forwarded: str, expected: str, settings: Settings
) -> None:
    settings.WEB_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert addresses.client(request) == expected


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("::ffff:127.0.0.1", None, True),
        ("10.0.0.1", None, False),
        ("127.0.0.1", "6.6.6.6", False),
    ],
)
def test_a_forwarded_request_is_not_local(peer: str, forwarded: str | None, *, expected: bool) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert addresses.is_local(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)) is expected


def test_all_addresses_of_a_customers_network_count_as_one() -> None:
    assert addresses.network("2001:db8:1:2:3::4") == addresses.network("2001:db8:1:2::5") == "2001:db8:1:2::/64"
    assert addresses.network("203.0.113.9") == addresses.network("::ffff:203.0.113.9") == "203.0.113.9"
    assert addresses.network("") == ""
