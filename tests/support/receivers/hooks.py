"""A system that receives webhooks over HTTP, and verifies them as anybody's library does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Hooks(ThreadingHTTPServer):
    """Keeps what has come, and answers with the next of `answers`, then with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[dict[str, str], str]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?from=daybook"

    def positions(self) -> list[int]:
        """Return the positions of what has come, in order."""
        return [json.loads(body)["data"]["position"] for _, body in self.received]


class _Handler(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        """Keep the message and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Hooks]:
    """Run the receiver."""
    hooks = Hooks()
    Thread(target=hooks.serve_forever, daemon=True).start()
    try:
        yield hooks
    finally:
        hooks.shutdown()
        hooks.server_close()
