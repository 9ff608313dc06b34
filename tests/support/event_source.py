"""A client that follows the log, as a browser's EventSource does: it comes back with the last id that it has seen."""

import http.client
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.webserver import WebServer

STREAM: Final = "/api/events/stream"


class Followed:
    """One open stream."""

    def __init__(self, server: WebServer, query: str = "", **headers: str) -> None:
        self._connection = server.connect()
        self._connection.request("GET", f"{STREAM}{query}", headers={**server.headers, **headers})
        self.response = self._connection.getresponse()

    def blocks(self) -> Iterator[dict[str, str]]:
        """Yield each block, by the names that its lines begin with; ends with the stream, however that ends."""
        block: dict[str, str] = {}
        with suppress(http.client.HTTPException, ConnectionError):
            for line in self.response:
                text = line.decode().rstrip("\n")
                if text:
                    name, _, value = text.partition(":")
                    block[name] = value.removeprefix(" ")
                else:
                    yield block
                    block = {}

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events."""
        for block in self.blocks():
            if "data" in block:
                event: dict[str, Any] = json.loads(block["data"])
                assert block == {"id": str(event["position"]), "event": event["type"], "data": block["data"]}
                yield event

    def problem(self) -> dict[str, Any]:
        """Return the problem that was answered instead of a stream."""
        answered: dict[str, Any] = json.loads(self.response.read())
        return answered

    def close(self) -> None:
        """Go away."""
        self.response.close()
        self._connection.close()


@dataclass
class Client:
    """Follows the log over any number of streams and servers."""

    query: str = ""
    seen: list[int] = field(default_factory=list)
    streams: int = 0

    def follow(self, server: WebServer, upto: int) -> None:
        """Go on until a position was seen, or until the stream ends."""
        try:
            followed = Followed(server, self.query, **({"Last-Event-ID": str(self.seen[-1])} if self.seen else {}))
        except (OSError, http.client.HTTPException):
            return
        self.streams += 1
        if followed.response.status == 200:
            for event in followed.events():
                self.seen.append(event["position"])
                if event["position"] >= upto:
                    break
        followed.close()
