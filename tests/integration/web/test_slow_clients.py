"""A client that stops, drips or does not read holds a thread for a limited time, and leaves no traceback."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import Final

import pytest

from tests.support.patience import PATIENCE_S, wait_until
from tests.support.webserver import Serve, WebServer

pytestmark = pytest.mark.skipif(
    os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="one database is enough, the one that serves many"
)

FORM: Final = "Content-Type: application/x-www-form-urlencoded"
START: Final = "POST /o/token/ HTTP/1.1\r\nHost: localhost\r\n"
UNFINISHED: Final = {
    "headers": "POST /o/token/ HTTP/1.1\r\nHo",
    "body": f"{START}{FORM}\r\nContent-Length: 900\r\n\r\ngrant",
    "chunks": f"{START}{FORM}\r\nTransfer-Encoding: chunked\r\n\r\n384\r\ngrant",
}
"""The beginning of a request, by the part in which it stops."""


@pytest.fixture
def server(serve: Serve) -> Iterator[WebServer]:
    """Serve with one thread, so that a client that holds it is noticed; afterwards no traceback may be in the log."""
    server = serve(WEB_THREADS="1", WEB_CLIENT_TIMEOUT="2")
    yield server
    assert "Traceback" not in server.process.errors()


def connected(server: WebServer, beginning: bytes) -> socket.socket:
    """Return a client's connection on which something was sent, once a thread surely handles it."""
    client = socket.create_connection((server.host, server.port), timeout=PATIENCE_S)
    client.sendall(beginning)
    time.sleep(0.3)
    return client


def seconds_until_answered(server: WebServer) -> float:
    began = time.monotonic()
    assert server.ask("GET", "/healthz").status == 200
    return time.monotonic() - began


@pytest.mark.parametrize("part", UNFINISHED)
def test_a_client_that_stops_in_the_middle_of_a_request_loses_its_thread(part: str, server: WebServer) -> None:
    with connected(server, UNFINISHED[part].encode()):
        assert seconds_until_answered(server) > 1


@pytest.mark.parametrize("part", UNFINISHED)
def test_a_client_that_drips_a_request_loses_its_thread(part: str, server: WebServer) -> None:
    ended = Event()

    def drip(client: socket.socket) -> None:
        with suppress(OSError):
            while not ended.wait(0.2):
                client.sendall(b"x")

    with connected(server, UNFINISHED[part].encode()) as client:
        dripping = Thread(target=drip, args=[client])
        dripping.start()
        try:
            assert seconds_until_answered(server) > 1
        finally:
            ended.set()
            dripping.join()


def test_a_client_that_does_not_read_its_answers_loses_its_thread(server: WebServer) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE_S)
        client.connect((server.host, server.port))
        # So many that the buffers between client and server cannot hold all answers.
        client.sendall(b"GET /static/admin/js/vendor/xregexp/xregexp.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
        wait_until(lambda: seconds_until_answered(server) > 1)


def test_clients_that_do_not_close_keep_no_other_client_waiting(server: WebServer) -> None:
    with ExitStack() as clients:
        for _ in range(15):
            client = clients.enter_context(socket.create_connection((server.host, server.port), timeout=PATIENCE_S))
            client.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        # Two seconds for each would be thirty.
        assert seconds_until_answered(server) < 15
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.endswith(b'{"status": "alive"}')


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
@pytest.mark.parametrize("length", ["Content-Length: {0}", "Transfer-Encoding: chunked"])
def test_a_client_whose_body_is_refused_reads_the_answer(length: str, connection: str, server: WebServer) -> None:
    size, chunk = 8 * 2**20, b"a" * 2**16
    head = f"{START}{FORM}\r\nConnection: {connection}\r\n{length.format(size)}\r\n\r\n".encode()
    with socket.create_connection((server.host, server.port), timeout=PATIENCE_S) as client:
        client.sendall(head)
        for _ in range(size // len(chunk)):
            client.sendall(chunk if "Content-Length" in length else b"%X\r\n%s\r\n" % (len(chunk), chunk))
        time.sleep(0.2)  # a reset, if there is one, has arrived
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
