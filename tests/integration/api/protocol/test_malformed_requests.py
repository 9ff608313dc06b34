"""What a live server answers to bodies that no well-behaved client sends: always a problem, and never silence."""

import json
import socket
from contextlib import suppress
from typing import Final

import pytest

from eventstore import store
from tests.support.api.calling import new_token
from tests.support.databases import Database
from tests.support.webserver import Serve, WebServer

REGISTER: Final = "/api/commands/register-company"


@pytest.fixture
def token(database: Database) -> str:
    return new_token("robot")


def exchange(server: WebServer, token: str, headers: str, body: bytes) -> tuple[int, dict[str, object]]:
    """Send bytes as they are, and return the status and the problem of the answer."""
    request = f"POST {REGISTER} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    request += f"Content-Type: application/json\r\nConnection: close\r\n{headers}\r\n"
    with socket.create_connection((server.host, server.port), timeout=20) as connected:
        connected.sendall(request.encode())
        with suppress(OSError):  # the server may have answered already, and read no further
            connected.sendall(body)
            connected.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connected.recv(65536), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)


def test_each_is_answered_with_what_is_wrong(database: Database, serve: Serve, token: str) -> None:
    server = serve()
    large = json.dumps({"name": "x" * 3 * 2**20}).encode()
    deep = b'{"name":' + b"[" * 500_000
    for headers, body, status, slug in (
        (f"Content-Length: {len(large)}\r\n", large, 413, "body-too-large"),
        (f"Content-Length: {len(deep)}\r\n", deep, 422, "invalid-input"),
        ("Content-Length: 0\r\n", b"", 400, "not-json"),
        ("", b"", 400, "not-json"),
        ("Transfer-Encoding: chunked\r\n", b'f\r\n{"name":"Acme"}\r\n0\r\n\r\n', 400, "not-json"),
        ("Content-Length: 100\r\n", b'{"name":', 400, "not-json"),
    ):
        answered, told = exchange(server, token, headers, body)
        assert (answered, told["type"]) == (status, slug), (headers, told)
    assert store.head().position == 0
    assert server.ask("POST", REGISTER, {"name": "Acme"}, {"Authorization": f"Bearer {token}"}).status == 201


@pytest.mark.parametrize("closes", ["close", "keep-alive"])
def test_whoever_is_still_sending_what_is_refused_hears_why(closes: str, serve: Serve, token: str) -> None:
    server = serve()
    body = b'{"name":"' + b"x" * 20 * 2**20 + b'"}'
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Connection": closes}
    assert server.ask("POST", REGISTER, body, sent).status == 413
