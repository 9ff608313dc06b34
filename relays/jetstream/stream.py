"""One stream of NATS JetStream, for code that is not asynchronous; it is made if it does not exist.

# Note [The stream appends in order]
Each message says which sequence number the stream must be at. The messages of a batch are sent without waiting for each
other's acknowledgement. If one is lost, the stream refuses those after it, so it never has a gap that is filled later.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error, MaxPayloadError
from nats.js.api import RawStreamMsg, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from eventstore.errors import ReceiverAway

_T = TypeVar("_T")
_CONNECT_S: Final = 3.0
_ANSWER_S: Final = 5.0
_CALL_S: Final = 60.0
"""More than a call takes that tries each server twice; some waits of the library have no limit of their own."""
_MOVING: Final = frozenset({10071, 10158, 10164})
"""The server's codes: the stream is elsewhere, or its nodes still store a message that a killed process has sent."""
_SERVER_ERRORS: Final = 500


class WrongLastSequence(Exception):
    """The stream is not at the sequence number that a message expects: read its last message, and compare."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a stream; its sequence number is 0 until it has one."""

    subject: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0


class Stream:
    """One stream. Every method raises ReceiverAway if no server takes the call."""

    def __init__(self, servers: Sequence[str], name: str, replicas: int) -> None:
        self.name = name
        self._servers, self._replicas = list(servers), replicas
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None

    def last(self) -> Message | None:
        """Return the last message, or None if the stream is empty."""
        return self._run(self._get(subject=f"{self.name}.>"))

    def at(self, sequence: int) -> Message | None:
        """Return the message with a sequence number, or None."""
        return self._run(self._get(seq=sequence))

    def append(self, messages: Sequence[Message], last_sequence: int) -> None:
        """Append messages after a sequence number and return once all are stored; raises WrongLastSequence.

        See Note [The stream appends in order].
        """
        self._run(self._append(messages, last_sequence))

    def close(self) -> None:
        """Close the connection."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_ANSWER_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    async def _end(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, call: Coroutine[Any, Any, _T]) -> _T:
        if self._loop is None:
            # The connection has to answer the pings of its server also between two calls.
            self._loop = asyncio.new_event_loop()
            Thread(target=_turn, args=[self._loop], name=f"jetstream {self.name}", daemon=True).start()
        try:
            return asyncio.run_coroutine_threadsafe(self._limited(call), self._loop).result()
        except MaxPayloadError:
            raise
        except APIError as error:
            if error.err_code in _MOVING:
                raise WrongLastSequence from error
            if (error.code or _SERVER_ERRORS) >= _SERVER_ERRORS:
                raise self._away(error.description or "no server takes the call now") from error
            raise
        except (Error, OSError, TimeoutError) as error:
            raise self._away(str(error) or type(error).__name__) from error

    async def _limited(self, call: Coroutine[Any, Any, _T]) -> _T:
        """Return what a call returns; after a failed one the next begins with a new connection."""
        try:
            async with asyncio.timeout(_CALL_S):
                return await call
        except (APIError, MaxPayloadError):
            raise  # the server has answered
        except (Error, OSError, TimeoutError):
            client, self._client = self._client, None
            if client is not None:
                with suppress(Exception):
                    async with asyncio.timeout(_CONNECT_S):
                        await client.close()
            raise

    def _away(self, fault: str) -> ReceiverAway:
        # An address may contain a password.
        servers = ", ".join(server.rpartition("@")[2].rpartition("//")[2] for server in self._servers)
        return ReceiverAway(f"JetStream at {servers}", fault)

    async def _context(self) -> JetStreamContext:
        if self._client is None or self._client.is_closed:
            self._client = await self._connected()
        return self._client.jetstream(timeout=_ANSWER_S)

    async def _connected(self) -> Client:
        """Return a connection to a server that has the stream."""
        options: dict[str, Any] = {"connect_timeout": _CONNECT_S, "max_reconnect_attempts": 1, "reconnect_time_wait": 0}
        client = await nats.connect(self._servers, name="daybook", error_cb=_ignore, **options)
        try:
            await self._ensure_exists(client.jetstream(timeout=_ANSWER_S))
        except BaseException:
            await client.close()
            raise
        return client

    async def _ensure_exists(self, context: JetStreamContext) -> None:
        """Make the stream unless it exists; raises ReceiverAway if that is not possible now, such as without a node."""
        config = StreamConfig(
            name=self.name,
            subjects=[f"{self.name}.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            num_replicas=self._replicas,
            deny_delete=True,
            deny_purge=True,
        )
        try:
            await context.stream_info(self.name)
        except NotFoundError:
            try:
                await context.add_stream(config)
            except APIError as error:
                raise self._away(f"the stream {self.name} cannot be made: {error.description}") from error

    async def _get(self, **which: Any) -> Message | None:
        context = await self._context()
        try:
            found: RawStreamMsg = await context.get_msg(self.name, **which)
        except NotFoundError:
            return None
        return Message(found.subject or "", found.data or b"", found.headers or {}, found.seq or 0)

    async def _append(self, messages: Sequence[Message], last_sequence: int) -> None:
        context = await self._context()
        expected = enumerate(messages, start=last_sequence)
        answers = [asyncio.ensure_future(self._publish(context, message, last)) for last, message in expected]
        done = await asyncio.gather(*answers, return_exceptions=True)
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _publish(self, context: JetStreamContext, message: Message, last_sequence: int) -> None:
        headers = {**message.headers, "Nats-Expected-Last-Sequence": str(last_sequence)}
        stored = await context.publish(message.subject, message.body, stream=self.name, headers=headers)
        if stored.seq != last_sequence + 1:
            raise WrongLastSequence


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _ignore(_error: Exception) -> None:
    """Drop what a call reports as well."""
