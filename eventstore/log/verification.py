"""Reading the whole log to prove that it is whole: no hole in positions or versions, and every event readable."""

from collections.abc import Callable, Iterator
from typing import Final

from django.db import connections

from eventstore import store
from eventstore.errors import LogDamaged, UnknownEventType, UnreadableEvent
from eventstore.log.reads import SQL

_BATCH: Final = 2000

Seen = Callable[[int, int], None]


def verify(seen: Seen, using: str = "default") -> int:
    """Return the number of events, all of which are as they must be; raises LogDamaged at the first that is not.

    `seen` hears, now and then, how much of how much is done. Memory does not grow with the log.
    """
    head = store.head(using).position
    for done in _positions(head, using):
        seen(done, 2 * head)
    for done in _versions(head, using):
        seen(head + done, 2 * head)
    return head


def _positions(head: int, using: str) -> Iterator[int]:
    # See Note [Positions become visible in order]
    expected = 1
    while expected <= head:
        batch = store.read_batch(from_position=expected, limit=_BATCH, up_to=head, using=using)
        for event in batch:
            if event.position != expected:
                raise LogDamaged(f"position {expected} is missing: the next event is at {event.position}")
            try:
                event.data  # noqa: B018 - decoding is the test
                event.metadata  # noqa: B018 - as above
            except (UnreadableEvent, UnknownEventType) as error:
                raise LogDamaged(str(error)) from error
            except ValueError as error:
                raise LogDamaged(f"{event.type} at position {event.position} is not readable: {error}") from error
            expected += 1
        yield expected - 1


def _versions(head: int, using: str) -> Iterator[int]:
    """Walk the unique index of (stream_id, version)."""
    stream_id, version, done = "", 0, 0
    while True:
        with connections[using].cursor() as cursor:
            cursor.execute(SQL["versions_by_stream"], [stream_id, version, head, _BATCH])
            rows = cursor.fetchall()
        for next_stream, next_version in rows:
            expected = version + 1 if next_stream == stream_id else 1
            if next_version != expected:
                raise LogDamaged(f"stream {next_stream}: version {expected} is missing, the next is {next_version}")
            stream_id, version = next_stream, next_version
        done += len(rows)
        yield done
        if len(rows) < _BATCH:
            return
