"""Folds every stream, one after the other, and keeps each entity's state at given positions."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple

from eventstore.records import RecordedEvent
from ledger.rules.decide import STATES
from ledger.rules.events import (
    AssetFunded,
    CompanyFunded,
    FundingReversed,
    FundsPaidOut,
    PayoutReturned,
    PayoutReturnedToCompany,
)

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class View:
    """An entity as of a position.

    `cleared_in` is the money received from outside. `cleared_out` is the money paid to outside less returned payouts.
    `zero_position` is the last position at which the principal of a product reached zero, `owing_again_position` the
    last one at which it rose from zero.
    """

    state: Any
    cleared_in: Decimal = Decimal(0)
    cleared_out: Decimal = Decimal(0)
    zero_position: int | None = None
    owing_again_position: int | None = None
    position: int = 0
    data: object = None


class Entity(NamedTuple):
    """An entity as of the given positions; positions before its first event are missing."""

    category: str
    uuid: str
    at: dict[int, View]


Observe = Callable[[str, View, int | None], None]
"""A function of the category, a view of an entity, and the position of the next view (None if there is none)."""


def entities(events: Iterable[RecordedEvent], positions: Collection[int], observe: Observe) -> Iterator[Entity]:
    """Fold events in order of stream and version; skip streams without an aggregate."""
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
        same = getattr(state, "currency", None) == getattr(view.state, "currency", None)
        cleared_in, cleared_out = _cleared(data)
        view = View(
            state,
            (view.cleared_in if same else 0) + cleared_in,
            (view.cleared_out if same else 0) + cleared_out,
            event.position if owed and not owes else view.zero_position,
            event.position if owes and not owed and view.state.exists else view.owing_again_position,
            event.position,
            data,
        )
        yield view


def _cleared(data: object) -> tuple[Decimal, Decimal]:
    """Return what an event adds to the money received from outside, and to the money paid to outside."""
    match data:
        case CompanyFunded(amount) | AssetFunded(amount):
            return amount, _NOTHING
        case FundingReversed(_, amount):
            return -amount, _NOTHING
        case FundsPaidOut(amount):
            return _NOTHING, amount
        case PayoutReturned(_, amount) | PayoutReturnedToCompany(_, _, amount):
            return _NOTHING, -amount
        case _:
            return _NOTHING, _NOTHING
