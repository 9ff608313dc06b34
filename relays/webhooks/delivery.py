"""Decides what is due at each endpoint, has it sent in threads, and records what became of it.

# Note [An endpoint is at its own position]
Each endpoint reads the log behind its own position, one event after the other, and no further than the relay. An
endpoint that is away for days holds up no other, nothing piles up for it, and it misses nothing. An event may have been
changed since the relay passed it, so it is checked again before it is sent: the endpoint is disabled at an event that
no append can have recorded so. At a type or a schema version that a newer release has recorded, it waits for a process
of that release. It passes over events that operators skipped for the relay. A process claims an endpoint
for as long as it sends to it; if the process is killed, the claim ends after a while, and the same events are sent
again with the same ids.
"""

import logging
import random
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from eventstore import home, store
from eventstore.clock import database_now
from eventstore.consumers import checkpoints
from eventstore.errors import LogDamaged, UnknownEventType, UnreadableEvent
from eventstore.log.verification import check_before_acting
from eventstore.payloads.registry import registry
from eventstore.records import RecordedEvent
from relays.log_id import log_id
from relays.models import Delivery, Endpoint
from relays.webhooks.sending import TIMEOUT_S, Message, Result, message_of, send_all

RELAY: Final = "webhooks"
RETRIES_S: Final = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long after each failed attempt the next one is due: over more than three days. Then the endpoint is disabled."""
_AT_ONCE: Final = 20
_THREADS: Final = 16
_CLAIM: Final = timedelta(seconds=_AT_ONCE * TIMEOUT_S + 60)
_KEPT: Final = timedelta(days=30)
_CLEANED_EVERY: Final = timedelta(hours=1)
_IDLE_GAP: Final = 500
"""An endpoint whose types do not occur is moved forward after so many other events."""
_WAIT_S: Final = 0.05
_WAITS_FOR_A_RELEASE: Final = timedelta(minutes=1)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sending:
    """What a thread sends to an endpoint; `by_hand` if operators asked for it."""

    endpoint: Endpoint
    by_hand: bool


class Deliveries:
    """The endpoints of one process. See Note [An endpoint is at its own position]."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._sending: dict[Future[list[Result]], _Sending] = {}
        self._cleaned_at: datetime | None = None
        self._stop = Event()

    def work(self, up_to: int) -> bool:
        """Record what has been sent, begin what is due up to a position, and return whether something is under way."""
        self._record_all()
        now = database_now()
        busy = {one.endpoint.pk for one in self._sending.values()}
        due = Endpoint.objects.filter(Q(claimed_until=None) | Q(claimed_until__lt=now), disabled_at=None)
        for endpoint in due.exclude(pk__in=busy)[: _THREADS - len(busy)]:
            self._begin(endpoint, now, up_to)
        self._clean(now)
        if self._sending:
            wait(self._sending, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
        return bool(self._sending)

    def close(self) -> None:
        """Wait for the messages that are being sent, and record what became of them."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
            self._record_all()

    def _begin(self, endpoint: Endpoint, now: datetime, up_to: int) -> None:
        events = self._requested(endpoint)
        by_hand = bool(events)
        if not events and endpoint.next_try_at <= now:
            events = self._next(endpoint, up_to)
        if not events:
            return
        sound, refused = _before_damage(events, now)
        if not sound and not by_hand and _is_newer_than_the_code(events[0]):
            _logger.warning("the endpoint %s waits for a newer release: %s", endpoint.uuid, refused and refused.said)
            waits = Endpoint.objects.filter(pk=endpoint.pk, position=endpoint.position)
            waits.update(next_try_at=now + _WAITS_FOR_A_RELEASE)
            return
        home.ensure()
        store.ensure_durable(max(event.position for event in events))
        unclaimed = Endpoint.objects.filter(pk=endpoint.pk, claimed_until=endpoint.claimed_until, disabled_at=None)
        endpoint.claimed_until = now + _CLAIM
        if not unclaimed.filter(position=endpoint.position).update(claimed_until=endpoint.claimed_until):
            return
        if refused is not None and not sound:
            record(endpoint, [refused], by_hand=by_hand)
            return
        messages, keys = [message_of(event, log_id()) for event in sound], keys_of(endpoint, now)
        self._pool = self._pool or ThreadPoolExecutor(_THREADS, "webhook")
        future = self._pool.submit(send_all, endpoint.url, keys, messages, in_order=not by_hand, stop=self._stop)
        self._sending[future] = _Sending(endpoint, by_hand)

    def _requested(self, endpoint: Endpoint) -> list[RecordedEvent]:
        rows = Delivery.objects.filter(endpoint=endpoint, is_requested=True).order_by("position")[:_AT_ONCE]
        events = [store.read_event(row.position) for row in rows]
        return [event for event in events if event is not None]

    def _next(self, endpoint: Endpoint, up_to: int) -> list[RecordedEvent]:
        """Return the next events up to a position; only one after a failure."""
        limit = 1 if endpoint.attempts else _AT_ONCE
        if endpoint.position >= up_to:
            return []
        found = list(
            store.read_all(
                after=endpoint.position, up_to=up_to, types=endpoint.types or None, limit=limit, batch_size=_AT_ONCE
            )
        )
        passed = found[-1].position if found else up_to
        skipped = checkpoints.skipped([RELAY], endpoint.position, "default")[RELAY]
        wanted = [event for event in found if event.position not in skipped]
        if not wanted and (found or up_to - endpoint.position > _IDLE_GAP):
            Endpoint.objects.filter(pk=endpoint.pk, position=endpoint.position).update(position=passed)
        return wanted

    def _record_all(self) -> None:
        for future in [future for future in self._sending if future.done()]:
            sending = self._sending.pop(future)
            record(sending.endpoint, future.result(), by_hand=sending.by_hand)

    def _clean(self, now: datetime) -> None:
        if self._cleaned_at is None or now - self._cleaned_at > _CLEANED_EVERY:
            self._cleaned_at = now
            Delivery.objects.filter(last_attempt_at__lt=now - _KEPT).exclude(state=Delivery.State.FAILING).delete()


def _before_damage(events: Sequence[RecordedEvent], now: datetime) -> tuple[Sequence[RecordedEvent], Result | None]:
    """Return the events before the first that this code cannot send, and a refused attempt at that one."""
    for number, event in enumerate(events):
        try:  # one by one, since those of an endpoint may lie far apart, and a check reads all that is between
            check_before_acting([event])
        except (LogDamaged, UnknownEventType, UnreadableEvent) as error:
            message = Message("", event.position, event.type, "")
            return events[:number], Result(message, is_taken=False, is_gone=True, said=f"not sent: {error}", at=now)
    return events, None


def _is_newer_than_the_code(event: RecordedEvent) -> bool:
    newest = registry.newest_schema_version(event.type)
    return newest is None or event.schema_version > newest


def keys_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """Return the secrets that sign: the present one, and for a day after a rotation the one before."""
    is_rotating = endpoint.previous_until is not None and endpoint.previous_until > now
    return [endpoint.secret, *([endpoint.previous_secret] if is_rotating else [])]


@transaction.atomic
def record(sent: Endpoint, results: Sequence[Result], *, by_hand: bool) -> None:
    """Record attempts at an endpoint that was claimed, and end the claim; nothing if another process has claimed it."""
    endpoint = Endpoint.objects.select_for_update().filter(pk=sent.pk, claimed_until=sent.claimed_until).first()
    if endpoint is None:
        return
    endpoint.claimed_until = None
    for result in results:
        state = Delivery.State.DELIVERED if result.is_taken else Delivery.State.FAILING
        delivery, _ = Delivery.objects.get_or_create(
            endpoint=endpoint,
            position=result.message.position,
            defaults={"type": result.message.type, "state": state, "last_attempt_at": result.at},
        )
        if by_hand and not result.is_taken:
            state = Delivery.State(delivery.state)
        Delivery.objects.filter(pk=delivery.pk).update(
            state=state,
            attempts=F("attempts") + 1,
            last_attempt_at=result.at,
            last_result=result.said,
            is_requested=False,
        )
        if not by_hand and endpoint.disabled_at is None and result.message.position > endpoint.position:
            _move(endpoint, result)
    endpoint.save()


def _move(endpoint: Endpoint, result: Result) -> None:
    if result.is_taken:
        endpoint.position = result.message.position
        endpoint.attempts, endpoint.failing_since, endpoint.next_try_at = 0, None, result.at
        return
    endpoint.attempts += 1
    endpoint.failing_since = endpoint.failing_since or result.at
    if result.is_gone or endpoint.attempts > len(RETRIES_S):
        endpoint.disabled_at = result.at
        times = f"after {endpoint.attempts} attempts" if endpoint.attempts > 1 else "at the first attempt"
        endpoint.disabled_reason = f"event {result.message.position} was not taken {times}: {result.said}"
        return
    delay = RETRIES_S[endpoint.attempts - 1]
    endpoint.next_try_at = result.at + timedelta(seconds=delay * random.uniform(1.0, 1.1))  # noqa: S311 - chance, not secrecy
