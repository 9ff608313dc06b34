"""Finds holes in what a consumer has read of the log."""

from collections.abc import Sequence

from eventstore.errors import MissedEvent
from eventstore.records import RecordedEvent


def before_hole(label: str, events: Sequence[RecordedEvent], first: int) -> list[RecordedEvent]:
    """Return the events before the first hole; raises MissedEvent if there are none.

    See Note [Positions become visible in order].
    """
    if events and events[0].position == first and events[-1].position == first + len(events) - 1:
        return list(events)
    for index, event in enumerate(events):
        if event.position != first + index:
            if index == 0:
                raise MissedEvent(label, first, event.position)
            return list(events[:index])
    return []
