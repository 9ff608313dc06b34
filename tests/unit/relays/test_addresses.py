"""A webhook goes to public addresses only, and to the address that was checked."""

import http.client
import socket
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from relays.webhooks import sending
from relays.webhooks.addresses import AddressRefused, checked_address, is_public, parsed
from relays.webhooks.sending import Message, new_secret, send_all


@pytest.fixture(autouse=True)
def _no_network_is_allowed(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1::1",
    ],
)  # fmt: skip
def test_an_address_inside_a_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://example.com", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://user:secret@example.com/", "no user, password or fragment"),
        ("https://example.com/#part", "no user, password or fragment"),
        ("https://example.com:99999/", "is not an address"),
        ("https://example.com/a b", "no spaces"),
        ("https://exämple.com/", "ASCII"),
        ("https://[::1", "is not an address"),
        ("https://example.com/" + "a" * 2000, "at most 2000"),
    ],
)
def test_a_url_that_no_webhook_may_have_is_refused(url: str, fault: str) -> None:
    with pytest.raises(AddressRefused, match=fault):
        parsed(url)


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Let names resolve to these addresses, one list after the other."""
    remaining = list(answers)

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        addresses = remaining.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_one_address_inside_the_network_is_enough_to_refuse_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(AddressRefused, match=r"hooks\.example is 10\.0\.0\.1, inside this network"):
        checked_address(parsed("https://hooks.example/"))


def test_a_public_address_must_be_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, ["1.1.1.1"])
    with pytest.raises(AddressRefused, match="must begin with https://"):
        checked_address(parsed("http://hooks.example/"))


def test_a_name_that_resolves_otherwise_a_moment_later_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    def connect(address: tuple[str, int], **_: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    # The name is asked for once. A second answer, inside the network, would be left over.
    resolving_to(monkeypatch, ["1.1.1.1"], ["127.0.0.1"], ["127.0.0.1"])
    message = Message("log_1", 1, "CompanyRegistered", "{}")
    first = send_all("https://hooks.example/", [new_secret()], [message], in_order=True)
    again = send_all("https://hooks.example/", [new_secret()], [message], in_order=True)
    assert connected == ["1.1.1.1"]
    assert [result.said for result in first] == ["Connection refused"]
    assert again[0].said.startswith("the address is refused: hooks.example is 127.0.0.1, inside this network")


def test_a_broken_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> int:
        raise http.client.BadStatusLine("nonsense")

    monkeypatch.setattr(sending, "_post", broken)
    message = Message("log_1", 1, "CompanyRegistered", "{}")
    result = send_all("https://hooks.example/", [new_secret()], [message], in_order=True)
    assert [one.said for one in result] == ["no answer: BadStatusLine"]
