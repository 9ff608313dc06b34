"""What the store's contract tests append and read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from eventstore import store
from eventstore.records import Appended, Context, NewEvent
from ledger.rules.events import CompanyFunded, CompanyRegistered

CONTEXT = Context("tester", "a conversation")


def company() -> str:
    """Return a new stream id."""
    return f"company-{uuid4()}"


def registered(stream_id: str, name: str = "Acme") -> NewEvent:
    """Return an event to append."""
    return NewEvent(stream_id, CompanyRegistered(name))


def funded(stream_id: str, amount: str = "1.00") -> NewEvent:
    """Return another event to append."""
    return NewEvent(stream_id, CompanyFunded(Decimal(amount), "USD", "receipt"))


def append(*events: NewEvent, **how: Any) -> Appended:
    """Append in the tests' context."""
    return store.append(events, CONTEXT, **how)


def positions(events: Sequence[Any]) -> list[int]:
    """Return the positions of some events."""
    return [event.position for event in events]
