"""A small book of products for tests of late fees, written event by event, also with events that no command makes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from uuid import UUID, uuid5

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.consumers.process_manager_runner import ProcessManagerRunner
from eventstore.consumers.runner import Step
from eventstore.records import Context, NewEvent, RecordedEvent
from ledger.rules.events import (
    AssetRegistered,
    AssetRevalued,
    DealCompany,
    LateFeesAssessed,
    PaymentApplied,
    PaymentReversed,
    ProductOriginated,
    ProductWrittenOff,
    SystemCycled,
)
from ledger.rules.facts import stream_id
from processmanagers.late_fees import LateFees

SELLER, DEBTOR, STRANGER, DEAL = (UUID(int=number) for number in range(1, 5))
SELLER_AND_DEBTOR = (DealCompany(SELLER, "seller"), DealCompany(DEBTOR, "debtor"))
CONTEXT = Context("tester", "a conversation")
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Product:
    """A product's uuid, its asset's, and its principal."""

    uuid: UUID
    asset_uuid: UUID | None
    principal: Decimal
    currency: str


def originated(
    product: Product, due: date, rate: str = "0.001", companies: tuple[DealCompany, ...] = SELLER_AND_DEBTOR
) -> ProductOriginated:
    """Return the event that a product begins with."""
    return ProductOriginated(
        deal_uuid=DEAL,
        asset_uuid=product.asset_uuid,
        obligor_company_uuid=DEBTOR,
        principal=product.principal,
        currency=product.currency,
        due_date=due,
        daily_late_fee_rate=Decimal(rate),
        late_fee_payer_role="debtor",
        companies=companies,
        reference="a product",
    )


@dataclass(slots=True)
class Book:
    """Writes events; ids are made one after the other, spread over the whole range."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def append(self, stream: str, *data: object) -> int:
        """Append events to a stream and return the last one's position."""
        return store.append([NewEvent(stream, one) for one in data], CONTEXT).position

    def new_uuid(self, what: str) -> UUID:
        """Return an id that no other has."""
        return uuid5(DEAL, f"{what} {next(self.numbers)}")

    def asset(self, value: str = "1000.00", currency: str = "USD") -> UUID:
        """Register an asset that the seller sends to the debtor."""
        uuid = self.new_uuid("asset")
        self.append(stream_id("asset", uuid), AssetRegistered(Decimal(value), currency, SELLER, DEBTOR, "an invoice"))
        return uuid

    def product(
        self,
        due: date,
        *,
        asset_uuid: UUID | None,
        principal: str = "1000.00",
        currency: str = "USD",
        rate: str = "0.001",
        companies: tuple[DealCompany, ...] = SELLER_AND_DEBTOR,
    ) -> Product:
        """Originate a product on that asset."""
        product = Product(self.new_uuid("product"), asset_uuid, Decimal(principal), currency)
        self.append(stream_id("product", product.uuid), originated(product, due, rate, companies))
        return product

    def invoices(self, number: int, due: date) -> list[Product]:
        """Do as `invoice` does, so many times, in few appends."""
        products = [
            Product(self.new_uuid("product"), self.new_uuid("asset"), Decimal("1000.00"), "USD") for _ in range(number)
        ]
        for some in (products[first : first + 500] for first in range(0, number, 500)):
            events = []
            for product in some:
                registered = AssetRegistered(product.principal, "USD", SELLER, DEBTOR, "an invoice")
                events.append(NewEvent(f"asset-{product.asset_uuid}", registered))
                events.append(NewEvent(f"product-{product.uuid}", originated(product, due)))
            store.append(events, CONTEXT)
        return products

    def invoice(self, due: date, value: str = "1000.00", currency: str = "USD", rate: str = "0.001") -> Product:
        """Register an asset and originate a product on all of it."""
        asset_uuid = self.asset(value, currency)
        return self.product(due, asset_uuid=asset_uuid, principal=value, currency=currency, rate=rate)

    def cycle(self, day: date) -> int:
        """Begin a business date."""
        return self.append("system", SystemCycled(day))

    def pay(self, product: Product, amount: Decimal | None = None) -> int:
        """Pay some of the principal, or all of it."""
        paid = product.principal if amount is None else amount
        payment = PaymentApplied(paid, paid, ZERO, product.currency, "a payment")
        return self.append(stream_id("product", product.uuid), payment)

    def reverse(self, product: Product, position: int, amount: Decimal | None = None) -> int:
        """Take a payment back."""
        paid = product.principal if amount is None else amount
        reversal = PaymentReversed(position, paid, paid, ZERO, product.currency, "bounced")
        return self.append(stream_id("product", product.uuid), reversal)

    def write_off(self, product: Product, principal: Decimal) -> int:
        """Give up what is left of the principal."""
        written_off = ProductWrittenOff(principal, ZERO, product.currency, "lost")
        return self.append(stream_id("product", product.uuid), written_off)

    def revalue(self, asset_uuid: UUID, value: str, currency: str = "USD") -> int:
        """Say what an asset is worth now."""
        return self.append(stream_id("asset", asset_uuid), AssetRevalued(Decimal(value), currency))


def late_fees(batch_size: int = 1000) -> ProcessManagerRunner:
    """Return the process manager, as it runs in its own process; its first step registers it."""
    return ProcessManagerRunner(LateFees(), batch_size)


def run_late_fees(batch_size: int = 1000, *, ahead: bool = True) -> None:
    """Let the process manager catch up, on a read model that is `ahead` of it or that it advances itself."""
    if ahead:
        catch_up("financial_products")
    runner = late_fees(batch_size)
    while (step := runner.step()) is Step.PROGRESSED:
        pass
    assert step is Step.IDLE, runner.cursor.stopped


def fees() -> list[RecordedEvent]:
    """Return every LateFeeIncurred."""
    return list(store.read_all(types=["LateFeeIncurred"]))


def charged() -> list[tuple[UUID, date, Decimal]]:
    """Return product, business date and amount of every fee, sorted."""
    return sorted((fee.uuid, fee.data.business_date, fee.data.amount) for fee in fees())


def assessed() -> dict[date, LateFeesAssessed]:
    """Return what ended each cycle, by its date; none may have ended twice."""
    events = [event.data for event in store.read_all(types=["LateFeesAssessed"])]
    by_date = {event.business_date: event for event in events}
    assert len(by_date) == len(events)
    return by_date
