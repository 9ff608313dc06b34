"""What the ledger already contains of a file of invoices, read in sets of streams."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.events import PaymentApplied
from ledger.rules.facts import stream_id
from processmanagers.receivables import ids
from processmanagers.receivables.invoices import Invoice, Terms

ACTOR: Final = "import_receivables"
_SET: Final = 500
"""Streams to a read."""
_DEAL_EVENTS: Final = ("DealCreated", "DealUpdated", "DealActivated", "DealDeleted")
_PRINCIPAL_EVENTS: Final = ("PaymentApplied", "PaymentReversed", "ProductWrittenOff")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The dates cycled so far, and the position at which each began."""

    positions: Sequence[int]
    dates: Sequence[date]

    @property
    def last(self) -> date | None:
        """The last date cycled, which is still open."""
        return self.dates[-1] if self.dates else None

    def booking_date(self, position: int) -> date | None:
        """Return the last date cycled before a position."""
        before = bisect_left(self.positions, position)
        return self.dates[before - 1] if before else None


@dataclass(frozen=True, slots=True)
class LedgerContents:
    """The events of the file's entities as of `head`, by the uuids of the entities; and the calendar as of `head`.

    `deals` has the last event of each deal. `settlements` has the payments that an import applied, by product.
    `principals` has the last event of each product that changed its principal outstanding, from any actor.
    """

    head: int
    calendar: Calendar
    companies: Mapping[UUID, RecordedEvent]
    deals: Mapping[UUID, RecordedEvent]
    assets: Mapping[UUID, RecordedEvent]
    products: Mapping[UUID, RecordedEvent]
    settlements: Mapping[UUID, RecordedEvent]
    principals: Mapping[UUID, RecordedEvent]


def read_ledger_contents(invoices: Sequence[Invoice], terms: Terms) -> LedgerContents:
    """Read what the ledger contains of the file."""
    head = store.head().position
    cycles = list(store.read_all(types=["SystemCycled"], up_to=head))
    calendar = Calendar([cycle.position for cycle in cycles], [cycle.data.new_date for cycle in cycles])
    customers = sorted({invoice.customer for invoice in invoices})
    numbers = [invoice.number for invoice in invoices]

    def latest(
        category: str, uuid_of: Callable[[str, str], UUID], keys: Iterable[str], types: tuple[str, ...]
    ) -> dict[UUID, RecordedEvent]:
        return _latest(category, [uuid_of(terms.seller, key) for key in keys], types, head)

    principals = latest("product", ids.product_uuid, numbers, _PRINCIPAL_EVENTS)
    return LedgerContents(
        head,
        calendar,
        _latest("company", [ids.seller_uuid(terms.seller)], ("CompanyRegistered",), head)
        | latest("company", ids.customer_uuid, customers, ("CompanyRegistered",)),
        latest("deal", ids.deal_uuid, customers, _DEAL_EVENTS),
        latest("asset", ids.asset_uuid, numbers, ("AssetRegistered",)),
        latest("product", ids.product_uuid, numbers, ("ProductOriginated",)),
        {uuid: found for uuid, event in principals.items() if (found := _settlement(event)) is not None},
        principals,
    )


def _latest(category: str, uuids: Iterable[UUID], types: tuple[str, ...], head: int) -> dict[UUID, RecordedEvent]:
    found: dict[UUID, RecordedEvent] = {}
    remaining = iter(uuids)
    while some := list(islice(remaining, _SET)):
        events = store.latest([stream_id(category, uuid) for uuid in some], types, head)
        found |= {event.uuid: event for event in events.values()}
    return found


def _settlement(last: RecordedEvent) -> RecordedEvent | None:
    """Return the payment that an import applied to the product of this event, the last one of its principal."""
    if _is_settlement(last):
        return last
    # Another actor paid, reversed or wrote off. This is rare, so reading the product's stream is fast enough.
    return next(filter(_is_settlement, store.read_stream(last.stream_id, up_to=last.position)), None)


def _is_settlement(event: RecordedEvent) -> bool:
    return event.actor == ACTOR and isinstance(event.data, PaymentApplied)
