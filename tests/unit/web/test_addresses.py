"""Where a request comes from is believed of one's own proxies alone."""

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
def test_only_what_ones_own_proxies_add_is_believed(
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
def test_local_is_what_no_proxy_has_forwarded(peer: str, forwarded: str | None, *, expected: bool) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert addresses.is_local(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)) is expected


def test_the_addresses_of_one_customers_network_are_one_asker() -> None:
    assert addresses.asker("2001:db8:1:2:3::4") == addresses.asker("2001:db8:1:2::5") == "2001:db8:1:2::/64"
    assert addresses.asker("203.0.113.9") == addresses.asker("::ffff:203.0.113.9") == "203.0.113.9"
    assert addresses.asker("") == ""
