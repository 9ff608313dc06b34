"""What the ledger itself answers to the questions that a visitor of Books asks, event by event."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from eventstore import store
from eventstore.records import RecordedEvent
from projectors.aging import bucket_of

ZERO = Decimal("0.00")


@dataclass(slots=True)
class Owing:
    """What an invoice owes, and the terms that it was financed on."""

    reference: str
    due: date
    obligor: UUID
    principal: Decimal = ZERO
    fees: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PaidLate:
    """An invoice that owed fees and its whole principal as a business date ended."""

    product_uuid: UUID
    reference: str
    customer: str
    on: date
    principal: Decimal
    fees: tuple[RecordedEvent, ...]

    @property
    def owed(self) -> Decimal:
        """Principal and fees together."""
        return self.principal + sum((fee.data.amount for fee in self.fees), ZERO)


def events_and_dates() -> list[tuple[RecordedEvent, date]]:
    """Return each event with the business date during which it was recorded."""
    found, today = [], date.min
    for event in store.read_all():
        if event.type == "SystemCycled":
            today = event.data.new_date
        found.append((event, today))
    return found


def owed_as_began(day: date, *, known_then: bool) -> dict[UUID, Owing]:
    """Return what each invoice owed as a date began: as recorded by then, or by the dates that events count for."""
    owing: dict[UUID, Owing] = {}
    for event, booked in events_and_dates():
        counts_for = event.data.business_date if event.type == "LateFeeIncurred" else booked
        if (booked if known_then else counts_for) >= day:
            continue
        match event.type:
            case "ProductOriginated":
                terms = event.data
                owing[event.uuid] = Owing(terms.reference, terms.due_date, terms.obligor_company_uuid, terms.principal)
            case "LateFeeIncurred":
                owing[event.uuid].fees += event.data.amount
            case "PaymentApplied":
                owing[event.uuid].principal -= event.data.to_principal
                owing[event.uuid].fees -= event.data.to_fees
    return owing


def by_bucket(day: date, *, known_then: bool) -> dict[str, tuple[Decimal, Decimal, int]]:
    """Return principal, fees and the number of invoices that owed something as a date began, by days past due."""
    found: dict[str, tuple[Decimal, Decimal, int]] = defaultdict(lambda: (ZERO, ZERO, 0))
    for owing in owed_as_began(day, known_then=known_then).values():
        if owing.principal or owing.fees:
            bucket = bucket_of(owing.due, day)
            principal, fees, products = found[bucket]
            found[bucket] = (principal + owing.principal, fees + owing.fees, products + 1)
    return found


def paid_latest() -> PaidLate:
    """Return the invoice with the most late fees, as of the end of the date before its payment."""
    fees: dict[UUID, list[RecordedEvent]] = defaultdict(list)
    for event in store.read_all(types=["LateFeeIncurred"]):
        fees[event.uuid].append(event)
    uuid = max(fees, key=lambda product: len(fees[product]))
    terms = next(store.read_stream(f"product-{uuid}")).data
    last = max(fee.data.business_date for fee in fees[uuid])
    before = tuple(fee for fee in fees[uuid] if fee.data.business_date < last)
    on, customer = before[-1].data.business_date, name_of(terms.obligor_company_uuid)
    return PaidLate(uuid, terms.reference, customer, on, terms.principal, before)


def name_of(company: UUID) -> str:
    """Return the name under which a company was registered."""
    return str(next(store.read_stream(f"company-{company}")).data.name)


def fees_by_customer() -> dict[str, Decimal]:
    """Return the late fees that each customer was charged."""
    obligors = {event.uuid: event.data.obligor_company_uuid for event in store.read_all(types=["ProductOriginated"])}
    names = {event.uuid: event.data.name for event in store.read_all(types=["CompanyRegistered"])}
    charged: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for event in store.read_all(types=["LateFeeIncurred"]):
        charged[names[obligors[event.uuid]]] += event.data.amount
    return charged
