"""The relay `webhooks`: while it runs and is not paused, events are sent to the endpoints."""

from collections.abc import Sequence
from typing import ClassVar

from eventstore.consumers.definitions import Relay
from eventstore.records import RecordedEvent
from relays.webhooks.delivery import RELAY, Deliveries


class Webhooks(Relay):
    """Lets each endpoint read the log at its own pace. See Note [An endpoint is at its own position]."""

    name: ClassVar[str] = RELAY
    begins_at_head: ClassVar[bool] = True

    def __init__(self) -> None:
        self._deliveries = Deliveries()

    def hand_on(self, events: Sequence[RecordedEvent]) -> None:
        """Do nothing: an event that was checked is all that an endpoint needs, and its own row says how far it is."""

    def work_beside(self, up_to: int) -> bool:
        """Send what is due of the events up to a position."""
        return self._deliveries.work(up_to)

    def close(self) -> None:
        """Record what is being sent."""
        self._deliveries.close()
