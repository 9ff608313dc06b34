"""Counters of the appends and reads of this process, for Prometheus."""

from typing import Final

from prometheus_client import Counter

APPENDS: Final = Counter("eventstore_appends", "Appends that recorded events.")
EVENTS: Final = Counter("eventstore_events_appended", "Events recorded.")
# The library's own methods check each time what is always right here, which is a twentieth of an append.
_count_appends: Final = APPENDS._value.inc  # noqa: SLF001 - what inc itself calls
_count_events: Final = EVENTS._value.inc  # noqa: SLF001
REPEATS: Final = Counter("eventstore_appends_repeated", "Appends whose idempotency key had recorded the same before.")
CONFLICTS: Final = Counter("eventstore_append_conflicts", "Appends that found a stream at another version.")
REPLICA_READS: Final = Counter(
    "eventstore_replica_reads",
    "Reads that the replica of the log was asked for, by the server that answered.",
    ["answered_by"],
)


def count_append(events: int) -> None:
    """Count an append that has recorded so many events."""
    _count_appends(1)
    _count_events(events)
