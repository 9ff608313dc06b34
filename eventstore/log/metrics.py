"""Counters of the appends and reads of this process, for Prometheus."""

from typing import Final

from prometheus_client import Counter

APPENDS: Final = Counter("eventstore_appends", "Appends that recorded events.")
EVENTS: Final = Counter("eventstore_events_appended", "Events recorded.")
REPEATS: Final = Counter("eventstore_appends_repeated", "Appends whose idempotency key had recorded the same before.")
CONFLICTS: Final = Counter("eventstore_append_conflicts", "Appends that found a stream at another version.")
REPLICA_READS: Final = Counter(
    "eventstore_replica_reads",
    "Reads that the replica of the log was asked for, by the server that answered.",
    ["answered_by"],
)
