"""Sends one event to one address: signed, to a checked address, within a bounded time. It uses no database."""

import base64
import hashlib
import http.client
import secrets
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Timer
from typing import Final, NamedTuple

from standardwebhooks import Webhook

from eventstore.clock import utc_now
from eventstore.payloads.canonical import canonical_event, moment_text
from eventstore.records import RecordedEvent
from relays.webhooks.addresses import AddressRefused, Target, checked_address, parsed

TIMEOUT_S: Final = 15.0
_SECRET_BYTES: Final = 32
_TAKEN: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_GONE: Final = 410
_DIGEST_LENGTH: Final = 8


def new_secret() -> str:
    """Return a secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent for an event."""

    id: str
    position: int
    type: str
    body: str


class Result(NamedTuple):
    """What became of an attempt."""

    message: Message
    is_taken: bool
    is_gone: bool
    said: str
    at: datetime


def message_of(event: RecordedEvent, log: str) -> Message:
    """Return the message of an event of a log.

    Its id has a digest of the event: if a store goes back, another event may get the same position.
    """
    event_json, moment = canonical_event(event), moment_text(event.recorded_at)
    digest = hashlib.sha256(event_json.encode()).hexdigest()[:_DIGEST_LENGTH]
    body = f'{{"type":"{event.type}","timestamp":"{moment}","data":{event_json}}}'
    return Message(f"{log}-{digest}_{event.position}", event.position, event.type, body)


def send_all(
    url: str, keys: Sequence[str], messages: Sequence[Message], *, in_order: bool, stop: Event | None = None
) -> list[Result]:
    """Send messages one after the other; it ends after one if `stop` is set, and in order if one is not taken."""
    results: list[Result] = []
    for result in _sent(url, keys, messages):
        results.append(result)
        if (in_order and not result.is_taken) or (stop is not None and stop.is_set()):
            break
    return results


def _sent(url: str, keys: Sequence[str], messages: Sequence[Message]) -> Iterator[Result]:
    for message in messages:
        at = utc_now()
        try:
            status = _post(parsed(url), message, signed(message, keys, at))
        except (AddressRefused, OSError, http.client.HTTPException, ValueError) as error:
            yield Result(message, is_taken=False, is_gone=False, said=_reason(error), at=at)
        else:
            more = ", and redirects are not followed" if status in _REDIRECT else ""
            is_taken = status in _TAKEN
            yield Result(message, is_taken=is_taken, is_gone=status == _GONE, said=f"answered {status}{more}", at=at)


def _reason(error: Exception) -> str:
    match error:
        case AddressRefused():
            return f"the address is refused: {error}"
        case TimeoutError():
            return f"no answer within {TIMEOUT_S:g} s"
        case OSError(strerror=str(text)):
            return text
    return f"no answer: {type(error).__name__}"


def signed(message: Message, keys: Sequence[str], at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature by each secret."""
    signatures = [Webhook(key).sign(message.id, at, message.body) for key in keys]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Daybook",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(at.astimezone(UTC).timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _post(target: Target, message: Message, headers: dict[str, str]) -> int:
    """Return the status of the answer; its body is not read."""
    connection = socket.create_connection((checked_address(target), target.port), timeout=TIMEOUT_S)
    # A receiver that answers byte by byte would never run into the limit of a single read.
    timer = Timer(TIMEOUT_S, lambda: _hang_up(connection))
    timer.daemon = True
    timer.start()
    client = http.client.HTTPConnection(target.host, target.port)
    try:
        if target.is_encrypted:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=target.host)
        client.sock = connection
        client.request("POST", target.path, message.body.encode(), headers)
        return client.getresponse().status
    finally:
        timer.cancel()
        client.close()
        connection.close()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
