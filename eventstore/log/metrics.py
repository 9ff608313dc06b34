"""Counters of the appends of this process, for Prometheus."""

from typing import Final

from prometheus_client import Counter

APPENDS: Final = Counter("eventstore_appends", "Appends that recorded events.")
EVENTS: Final = Counter("eventstore_events_appended", "Events recorded.")
REPEATS: Final = Counter("eventstore_appends_repeated", "Appends whose idempotency key had recorded the same before.")
CONFLICTS: Final = Counter("eventstore_append_conflicts", "Appends that found a stream at another version.")
