"""Folds every stream, one after the other, and keeps each entity's state at the positions that are asked for."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple

from eventstore.log.reads import COLUMNS, select
from eventstore.records import RecordedEvent
from ledger.rules.decide import STATES
from ledger.rules.events import AssetFunded, CompanyFunded, FundingReversed, FundsPaidOut, PayoutReturned

_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class View:
    """An entity as of a position.

    `cleared` is what came in from outside for a company or an asset, and what went out from an account;
    `zero_position` and `owing_again_position` are those of a product's principal.
    """

    state: Any
    cleared: Decimal = Decimal(0)
    zero_position: int | None = None
    owing_again_position: int | None = None
    position: int = 0


class Entity(NamedTuple):
    """An entity as of the positions that were asked for; those before its first event are missing."""

    category: str
    uuid: str
    at: dict[int, View]


Observe = Callable[[str, View, int | None], None]
"""Told each view of each entity, by category, and the position of the next one, None where it is the last."""


def read_by_stream(up_to: int) -> Iterator[list[RecordedEvent]]:
    """Yield batches of all events at or below a position, in order of stream and version."""
    after: tuple[str, int] = ("", 0)
    sql = (
        f"SELECT {COLUMNS} FROM eventstore_event WHERE (stream_id, version) > (%s, %s) AND position <= %s"  # noqa: S608
        " ORDER BY stream_id, version LIMIT %s"
    )
    while True:
        batch = select("default", sql, [*after, up_to, _BATCH])
        yield batch
        if len(batch) < _BATCH:
            return
        after = (batch[-1].stream_id, batch[-1].version)


def entities(events: Iterable[RecordedEvent], positions: Collection[int], observe: Observe) -> Iterator[Entity]:
    """Fold events in order of stream and version; streams that are nobody's state are passed over."""
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
