"""A durable consumer of the stream: the servers keep which messages it has confirmed, and deliver the others again."""

from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingCame
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from relays.jetstream.stream import Message, Stream

_FETCH_S: Final = 1.0
_CONFIRM_WITHIN_S: Final = 30
_MOST_PENDING: Final = 1000


class Durable(Stream):
    """One durable consumer. Every method raises ReceiverAway if no server takes the call."""

    def __init__(self, servers: list[str], stream: str, name: str) -> None:
        super().__init__(servers, stream, replicas=1)
        self._durable = name
        self._subscribed: tuple[Any, JetStreamContext.PullSubscription] | None = None
        self._delivered: list[Msg] = []

    def fetch(self, after: int, limit: int) -> list[Message]:
        """Return the next messages, none if there are none for a second; `after` counts if the consumer is new."""
        return self._run(self._fetch(after, min(limit, _MOST_PENDING)))

    def confirm(self) -> None:
        """Let the servers forget the messages that were fetched."""
        self._run(self._confirm())

    def begin_again(self) -> None:
        """Delete the consumer; the next fetch makes it anew, after the sequence number that it names."""
        self._run(self._delete())

    def behind(self) -> dict[str, int]:
        """Return how many messages each durable consumer of the stream has not confirmed, by the consumer's name."""
        return self._run(self._behind())

    async def _ensure_exists(self, context: JetStreamContext) -> None:
        """Raise ReceiverAway unless the stream exists: the relay makes it, with its copies."""
        try:
            await context.stream_info(self.name)
        except NotFoundError:
            raise self._away(f"there is no stream {self.name} yet; the relay jetstream makes it") from None

    async def _fetch(self, after: int, limit: int) -> list[Message]:
        context = await self._context()
        if self._subscribed is None or self._subscribed[0] is not self._client:
            config = ConsumerConfig(
                durable_name=self._durable,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=after + 1,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=_CONFIRM_WITHIN_S,
                max_ack_pending=_MOST_PENDING,
            )
            subject = f"{self.name}.>"
            made = await context.pull_subscribe(subject, durable=self._durable, stream=self.name, config=config)
            self._subscribed = (self._client, made)
        try:
            self._delivered = await self._subscribed[1].fetch(limit, timeout=_FETCH_S)
        except NothingCame:
            self._delivered = []
        return [
            Message(each.subject, each.data, each.headers or {}, each.metadata.sequence.stream)
            for each in self._delivered
        ]

    async def _behind(self) -> dict[str, int]:
        context = await self._context()
        found = await context.consumers_info(self.name)
        return {
            each.name: (each.num_pending or 0) + (each.num_ack_pending or 0)
            for each in found
            if each.config.durable_name
        }

    async def _confirm(self) -> None:
        for each in self._delivered:
            await each.ack()
        self._delivered = []

    async def _delete(self) -> None:
        context = await self._context()
        self._subscribed, self._delivered = None, []
        try:
            await context.delete_consumer(self.name, self._durable)
        except NotFoundError:
            return
