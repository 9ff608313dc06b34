"""The companies, deals and invoices of the demonstration, with ids derived from their names."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from eventstore.records import Appended
from ledger import handlers
from ledger.rules.commands import (
    ActivateDeal,
    ActivateFundingAccount,
    ApplyPayment,
    Command,
    CreateDeal,
    OpenFundingAccount,
    OriginateProduct,
    RegisterAsset,
    RegisterCompany,
)
from ledger.rules.events import DealCompany

ACTOR: Final = "demo"
CORRELATION: Final = "demo"
NAMESPACE: Final = UUID("5b1f0e57-7f0e-5d0b-9d5e-0d1a7b00c0de")
RATE: Final = Decimal("0.001")
FINANCIER, SELLER, JUNIPER, ALDER = "Harbor Finance", "Northwind Mills", "Juniper Foods", "Alder Stores"
COMPANIES: Final = (FINANCIER, SELLER, JUNIPER, ALDER)
PURCHASE, MEMBERSHIP = 1, 4


def id_of(name: str) -> UUID:
    """Return the id derived from a name, the same in every run."""
    return uuid5(NAMESPACE, name)


def execute(command: Command) -> Appended:
    """Execute a command as the demonstration."""
    return handlers.execute(command, actor=ACTOR, correlation_id=CORRELATION)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of the seller to a debtor: an asset of that value, and a product of that principal."""

    number: str
    debtor: str
    amount: Decimal
    due: date

    @property
    def asset_uuid(self) -> UUID:
        """The asset that stands for the invoice."""
        return id_of(f"asset {self.number}")

    @property
    def product_uuid(self) -> UUID:
        """The product that the debtor owes."""
        return id_of(f"product {self.number}")

    def record(self) -> None:
        """Register the asset and originate the product."""
        sender, receiver = id_of(SELLER), id_of(self.debtor)
        execute(RegisterAsset(self.asset_uuid, self.amount, sender, receiver, self.number, "USD"))
        deal = id_of(f"deal with {self.debtor}")
        execute(
            OriginateProduct(
                self.product_uuid, deal, self.amount, self.due, RATE, "debtor", self.number, self.asset_uuid
            )
        )

    def pay(self) -> int:
        """Apply a payment of the whole amount and return its position."""
        return execute(ApplyPayment(self.product_uuid, self.amount, f"payment of {self.number}")).position


PAID_BEFORE: Final = Invoice("INV-106", JUNIPER, Decimal("1800.00"), date(2026, 3, 2))
PAID_AFTER: Final = Invoice("INV-107", ALDER, Decimal("1500.00"), date(2026, 3, 2))
INVOICES: Final = (
    Invoice("INV-101", JUNIPER, Decimal("1250.00"), date(2026, 3, 20)),
    Invoice("INV-102", JUNIPER, Decimal("980.00"), date(2026, 2, 20)),
    Invoice("INV-103", ALDER, Decimal("2400.00"), date(2026, 1, 20)),
    Invoice("INV-104", ALDER, Decimal("3100.00"), date(2025, 12, 20)),
    Invoice("INV-105", JUNIPER, Decimal("640.00"), date(2025, 11, 10)),
    PAID_BEFORE,
    PAID_AFTER,
)
SMALL_INVOICES: Final = tuple(
    Invoice(f"S-{number:03}", (JUNIPER, ALDER)[number % 2], Decimal(20 + number).quantize(Decimal("0.01")), due)
    for number, due in ((n, date(2026, 2, 27)) for n in range(1, 61))
)


def register_companies() -> None:
    """Register the four companies."""
    for name in COMPANIES:
        execute(RegisterCompany(id_of(name), name))


def make_member() -> None:
    """Create and activate a membership deal of the seller."""
    deal = id_of("membership")
    execute(CreateDeal(deal, MEMBERSHIP, (DealCompany(id_of(SELLER), "member"),), "gold"))
    execute(ActivateDeal(deal))


def make_deals() -> None:
    """Create and activate one purchase deal with each debtor."""
    for debtor in (JUNIPER, ALDER):
        deal = id_of(f"deal with {debtor}")
        execute(
            CreateDeal(deal, PURCHASE, (DealCompany(id_of(SELLER), "seller"), DealCompany(id_of(debtor), "debtor")))
        )
        execute(ActivateDeal(deal))


def open_account() -> UUID:
    """Open and activate the seller's account."""
    account = id_of("account")
    execute(OpenFundingAccount(account, id_of(SELLER), "operating account"))
    execute(ActivateFundingAccount(account))
    return account
