"""What a live server answers to bodies that no well-behaved client sends: always a problem, and never silence."""

import json
import socket
from contextlib import suppress
from typing import Final

import pytest

from eventstore import store
from tests.support.api.calling import new_token
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S
from tests.support.webserver import Serve, WebServer

pytestmark = pytest.mark.one_database

REGISTER: Final = "/api/commands/register-company"


@pytest.fixture
def token(database: Database) -> str:
    return new_token("robot")


def exchange(server: WebServer, token: str, headers: str, body: bytes) -> tuple[int, dict[str, object]]:
    """Send bytes as they are, and return the status and the problem of the answer."""
    request = f"POST {REGISTER} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    request += f"Content-Type: application/json\r\nConnection: close\r\n{headers}\r\n"
    with socket.create_connection((server.host, server.port), timeout=PATIENCE_S) as connected:
        connected.sendall(request.encode())
        with suppress(OSError):  # the server may have answered already, and read no further
            connected.sendall(body)
            connected.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connected.recv(65536), b""))
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)


def test_each_is_answered_with_its_fault(database: Database, serve: Serve, token: str) -> None:
    server = serve()
    large = json.dumps({"name": "x" * 3 * 2**20}).encode()
    deep = b'{"name":' + b"[" * 500_000
    for headers, body, status, slug in (
        (f"Content-Length: {len(large)}\r\n", large, 413, "body-too-large"),
        (f"Content-Length: {len(deep)}\r\n", deep, 422, "invalid-input"),
        ("Content-Length: 0\r\n", b"", 400, "not-json"),
        ("", b"", 400, "not-json"),
        ("Transfer-Encoding: chunked\r\n", b"4\r\nname\r\n0\r\n\r\n", 400, "not-json"),
        ("Transfer-Encoding: chunked\r\n", b'4\r\n{"na\r\nzz\r\n', 400, "bad-request"),
        ("Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large), 413, "body-too-large"),
        ("Content-Length: 100\r\n", b'{"name":', 400, "not-json"),
    ):
        answered, reported = exchange(server, token, headers, body)
        assert (answered, reported["type"]) == (status, slug), (headers, reported)
    assert store.head().position == 0
    assert server.ask("POST", REGISTER, {"name": "Acme"}, {"Authorization": f"Bearer {token}"}).status == 201


def test_a_body_in_chunks_is_read_whole(serve: Serve, token: str) -> None:
    chunks = b'8\r\n{"name":\r\n7\r\n"Acme"}\r\n0\r\n\r\n'
    status, answer = exchange(serve(), token, "Transfer-Encoding: chunked\r\n", chunks)
    assert status == 201, answer
    [event] = store.read_all()
    assert event.payload == {"name": "Acme"}


def test_two_keys_are_refused(serve: Serve, token: str) -> None:
    body = b'{"name":"Acme"}'
    headers = f"Content-Length: {len(body)}\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n"
    status, reported = exchange(serve(), token, headers, body)
    assert (status, reported["type"]) == (400, "invalid-idempotency-key")
    assert store.head().position == 0


@pytest.mark.parametrize("closes", ["close", "keep-alive"])
def test_a_client_that_still_sends_a_refused_body_gets_the_reason(closes: str, serve: Serve, token: str) -> None:
    server = serve()
    body = b'{"name":"' + b"x" * 20 * 2**20 + b'"}'
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", "Connection": closes}
    assert server.ask("POST", REGISTER, body, sent).status == 413
