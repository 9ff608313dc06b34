"""A live gunicorn on the test's database, with the project's own configuration."""

import fcntl
import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from tests.support.patience import PATIENCE_S, wait_until
from tests.support.processes import WEB, Started

_SETTINGS: Final = {"SECRET_KEY": "tests-only", "DEBUG": "false", **WEB}
_HIGH: Final = 200
"""A number above all files that a resident process has open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class WebServer:
    """A running gunicorn: where it listens, and its process."""

    host: str
    port: int
    process: Started
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://{self.host}:{self.port}"

    def connect(self, timeout: float = PATIENCE_S) -> http.client.HTTPConnection:
        """Return a new connection, on which one thread may ask again and again."""
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        on: http.client.HTTPConnection | None = None,
    ) -> Answer:
        """Send a request, with a body as JSON unless it is bytes, and return the answer."""
        connection = on or self.connect()
        sent = {**self.headers, **(headers or {})}
        content = body
        if body is not None and not isinstance(body, bytes):
            content, sent = json.dumps(body).encode(), {"Content-Type": "application/json", **sent}
        address = urlsplit(path)
        target = f"{address.path}?{address.query}" if address.query else address.path
        try:
            connection.request(method, target, content, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {name.title(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            if on is None:
                connection.close()

    def is_up(self) -> bool:
        """Say whether it answers; fails if its process has ended."""
        assert self.process.poll() is None, self.process.errors()
        try:
            return self.ask("GET", "/healthz").status == 200
        except OSError:
            return False


class Serve(Protocol):
    """Starts a server on the test's database, with further environment variables."""

    def __call__(self, **env: str) -> WebServer:
        """Return the server, which answers by now."""
        ...


@contextmanager
def serving(
    environment: Mapping[str, str], directory: Path, host: str = "127.0.0.1", *, alone: bool = False
) -> Iterator[WebServer]:
    """Serve with an environment until the block ends; then kill what is left of it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        # The server is handed the socket, so that nobody can take its port before it does.
        number = fcntl.fcntl(listening.fileno(), fcntl.F_DUPFD, _HIGH)
        process = Started(
            [sys.executable, "-m", "gunicorn", "settings.wsgi"],
            {**_SETTINGS, "TMPDIR": str(directory), **environment, "WEB_BIND": f"fd://{number}"},
            directory,
            pass_fds=[number],
            alone=alone,
        )
        os.close(number)
        port = listening.getsockname()[1]
    server = WebServer(host, port, process)
    try:
        wait_until(server.is_up)
        yield server
    finally:
        process.kill_group()
