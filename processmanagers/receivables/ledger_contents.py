"""What the ledger already contains of a file of invoices, read in sets of streams."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from itertools import islice
from typing import Any, Final
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.aggregates import product
from ledger.rules.events import PaymentApplied, PaymentReversed
from ledger.rules.facts import stream_id
from ledger.rules.money import zero_like
from processmanagers.receivables import ids
from processmanagers.receivables.invoices import Invoice, Terms

ACTOR: Final = "import_receivables"
INVOICE_DATE: Final = "invoice_date"
SETTLED_DATE: Final = "settled_date"
"""In the metadata of what was recorded later than its date in the file: that date."""
_SET: Final = 500
"""The number of streams in one read."""
_DEAL_EVENTS: Final = ("DealCreated", "DealUpdated", "DealActivated", "DealDeleted")
_PRINCIPAL_EVENTS: Final = ("PaymentApplied", "PaymentReversed", "ProductWrittenOff", "WriteOffReversed")


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

    def date_in_file(self, event: RecordedEvent, key: str) -> date | None:
        """Return the date that the file gave to what an import recorded: in the metadata, or its booking date."""
        given = event.metadata.get(key)
        return self.booking_date(event.position) if given is None else date.fromisoformat(given)


@dataclass(frozen=True, slots=True)
class Payments:
    """The payments of one product, and what it owes: `imported` by an import, `by_hand` not, both in order.

    An imported payment that was reversed since still counts as imported. One by hand does not.
    """

    owed: Decimal
    imported: tuple[RecordedEvent, ...]
    by_hand: tuple[RecordedEvent, ...]


@dataclass(frozen=True, slots=True)
class LedgerContents:
    """The events of the file's entities as of `head`, by the uuids of the entities; and the calendar as of `head`.

    `deals` has the last event of each deal, `principals` the last event that changed a product's principal outstanding.
    """

    head: int
    calendar: Calendar
    companies: Mapping[UUID, RecordedEvent]
    deals: Mapping[UUID, RecordedEvent]
    assets: Mapping[UUID, RecordedEvent]
    products: Mapping[UUID, RecordedEvent]
    principals: Mapping[UUID, RecordedEvent]

    def payments(self, product_uuid: UUID) -> Payments:
        """Return the payments of a product that the ledger contains."""
        originated, last = self.products[product_uuid].data, self.principals.get(product_uuid)
        if last is None:
            return Payments(originated.principal, (), ())
        if _is_import(last) and last.data.to_principal == originated.principal:
            return Payments(zero_like(originated.principal), (last,), ())
        # Part payments, payments by hand, reversals and write-offs are rare, so each product's stream is read.
        return _payments(list(store.read_stream(last.stream_id, up_to=self.head)))


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
        return latest_events(category, [uuid_of(terms.seller, key) for key in keys], types, head)

    return LedgerContents(
        head,
        calendar,
        latest_events("company", [ids.seller_uuid(terms.seller)], ("CompanyRegistered",), head)
        | latest("company", ids.customer_uuid, customers, ("CompanyRegistered",)),
        latest("deal", ids.deal_uuid, customers, _DEAL_EVENTS),
        latest("asset", ids.asset_uuid, numbers, ("AssetRegistered",)),
        latest("product", ids.product_uuid, numbers, ("ProductOriginated",)),
        latest("product", ids.product_uuid, numbers, _PRINCIPAL_EVENTS),
    )


def latest_events(category: str, uuids: Iterable[UUID], types: tuple[str, ...], head: int) -> dict[UUID, RecordedEvent]:
    """Return the last event of these types of each entity that has one, by its uuid."""
    found: dict[UUID, RecordedEvent] = {}
    remaining = iter(uuids)
    while some := list(islice(remaining, _SET)):
        events = store.latest([stream_id(category, uuid) for uuid in some], types, head)
        found |= {event.uuid: event for event in events.values()}
    return found


def _is_import(event: RecordedEvent) -> bool:
    return event.actor == ACTOR and isinstance(event.data, PaymentApplied)


def _payments(events: list[RecordedEvent]) -> Payments:
    data: Iterable[Any] = (event.data for event in events)
    reversed_positions = {event.data.position for event in events if isinstance(event.data, PaymentReversed)}
    applied = [event for event in events if isinstance(event.data, PaymentApplied)]
    return Payments(
        reduce(product.evolve, data, product.INITIAL).principal_outstanding,
        tuple(event for event in applied if _is_import(event)),
        tuple(event for event in applied if not _is_import(event) and event.position not in reversed_positions),
    )
