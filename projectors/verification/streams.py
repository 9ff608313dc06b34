"""Folds every stream, one after the other, and keeps each entity's state at given positions."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from eventstore.records import RecordedEvent
from ledger.rules.decide import STATES
from ledger.rules.events import AssetFunded, CompanyFunded, FundingReversed, FundsPaidOut, PayoutReturned


@dataclass(frozen=True, slots=True)
class View:
    """An entity as of a position.

    `cleared` is the money received from outside for a company or an asset, or paid to outside from an account;
    `zero_position` and `owing_again_position` are the last positions at which a product's principal reached zero
    and at which it was owed again.
    """

    state: Any
    cleared: Decimal = Decimal(0)
    zero_position: int | None = None
    owing_again_position: int | None = None
    position: int = 0


class Entity(NamedTuple):
    """An entity as of the given positions; positions before its first event are missing."""

    category: str
    uuid: str
    at: dict[int, View]


Observe = Callable[[str, View, int | None], None]
"""Called with the category, a view of an entity, and the position of its next view, None after the last one."""


def entities(events: Iterable[RecordedEvent], positions: Collection[int], observe: Observe) -> Iterator[Entity]:
    """Fold events in order of stream and version; streams without an aggregate are passed over."""
    for stream_id, of_stream in groupby(events, key=lambda event: event.stream_id):
        category, _, uuid = stream_id.partition("-")
        if category not in STATES:
            continue
        at: dict[int, View] = {}
        last: View | None = None
        for view in _views(category, of_stream):
            if last is not None:
                observe(category, last, view.position)
                at.update((position, last) for position in positions if last.position <= position < view.position)
            last = view
        if last is not None:
            observe(category, last, None)
            at.update((position, last) for position in positions if last.position <= position)
        yield Entity(category, uuid, at)


def _views(category: str, events: Iterable[RecordedEvent]) -> Iterator[View]:
    initial, evolve = STATES[category]
    view = View(initial)
    for event in events:
        data = event.data
        state = evolve(view.state, data)
        owed, owes = (getattr(s, "principal_outstanding", 0) for s in (view.state, state))
        view = View(
            state,
            view.cleared + _cleared(data),
            event.position if owed and not owes else view.zero_position,
            event.position if owes and not owed and view.state.exists else view.owing_again_position,
            event.position,
        )
        yield view


def _cleared(data: object) -> Decimal:
    match data:
        case CompanyFunded(amount) | AssetFunded(amount) | FundsPaidOut(amount):
            return amount
        case FundingReversed(_, amount) | PayoutReturned(_, amount):
            return -amount
        case _:
            return Decimal(0)
