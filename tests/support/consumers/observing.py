"""What tests do and see while consumers run in other processes."""

from collections.abc import Callable

from eventstore import store
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent
from tests.support.processes import Started

Start = Callable[..., Started]


def append(*events: NewEvent) -> int:
    """Append events and return the last position."""
    return store.append(events, Context("tests", "a conversation")).position


def position(name: str) -> int:
    """Return the position of a consumer, -1 before it is registered."""
    found = Checkpoint.objects.filter(name=name).first()
    return -1 if found is None else found.position


def failures(name: str) -> int:
    """Return how often a consumer has stopped at its next event."""
    found = Checkpoint.objects.filter(name=name).first()
    return 0 if found is None else found.error_count


def error(name: str) -> str:
    """Return why a consumer has stopped, an empty text if it has not."""
    found = Checkpoint.objects.filter(name=name).first()
    return "" if found is None else found.error_message


def answered() -> list[str]:
    """Return the names in the answers of `answers`."""
    return [event.payload["name"] for event in store.read_all(types=["ParcelRelabelled"])]
