"""Several commands in one append: each is decided on what the ones before it made, and all are recorded or none."""

from decimal import Decimal
from uuid import uuid4

import pytest

from eventstore import store
from eventstore.records import IdempotencyKey
from ledger import handlers, states
from ledger.rules.commands import (
    ActivateDeal,
    ApplyPayment,
    Command,
    CreateDeal,
    DeleteDeal,
    FundCompany,
    OriginateProduct,
    RegisterAsset,
    RegisterCompany,
)
from ledger.rules.events import DealCompany
from ledger.rules.refusals.existence import AlreadyExists
from ledger.rules.refusals.products import DealNotActive
from tests.support.ledger.portfolio import DUE, do, interfering, new_company, new_deal, origination

pytestmark = pytest.mark.usefixtures("database")

USD = "USD"


def invoice_from_nothing() -> list[Command]:
    seller, customer, deal, asset, product = (uuid4() for _ in range(5))
    return [
        RegisterCompany(seller, "a seller"),
        RegisterCompany(customer, "a customer"),
        CreateDeal(deal, 1, (DealCompany(seller, "seller"), DealCompany(customer, "debtor"))),
        ActivateDeal(deal),
        RegisterAsset(asset, Decimal("100.00"), seller, customer, "an invoice", USD),
        OriginateProduct(product, deal, Decimal("100.00"), DUE, Decimal("0.001"), "debtor", "an invoice", asset),
        ApplyPayment(product, Decimal("40.00"), "a part"),
        ApplyPayment(product, Decimal("60.00"), "the rest"),
    ]


def test_each_command_is_decided_on_what_the_ones_before_it_made() -> None:
    commands = invoice_from_nothing()
    appended = handlers.execute_many(commands, actor="tester")
    assert [event.type for event in appended.events] == [
        "CompanyRegistered",
        "CompanyRegistered",
        "DealCreated",
        "DealActivated",
        "AssetRegistered",
        "ProductOriginated",
        "AssetFinanced",
        "PaymentApplied",
        "PaymentApplied",
    ]
    assert len({event.recorded_at for event in appended.events}) == 1
    assert [event.version for event in appended.events] == [1, 1, 1, 2, 1, 1, 2, 2, 3]
    originated = appended.events[5]
    assert states.product(originated.uuid).state.status == "paid"


def test_a_refused_command_refuses_all_of_them() -> None:
    company = uuid4()
    with pytest.raises(AlreadyExists):
        handlers.execute_many([RegisterCompany(company, "one"), RegisterCompany(company, "two")], actor="tester")
    assert store.head().position == 0


def test_funds_are_counted_once_for_all_commands() -> None:
    company = new_company("10.00")
    commands = [FundCompany(company, Decimal("1.00"), "more") for _ in range(3)]
    handlers.execute_many(commands, actor="tester")
    assert states.company(company).state.balance == Decimal("13.00")


def test_a_stream_that_only_the_last_command_reads_is_checked() -> None:
    deal = new_deal()
    command, before = origination(deal), store.head().position
    with (
        interfering(f"deal-{deal}", lambda: do(DeleteDeal(deal))),
        pytest.raises(DealNotActive),
    ):
        handlers.execute_many([RegisterCompany(uuid4(), "another"), command], actor="tester")
    assert store.head().position == before + 1


def test_a_repeated_key_records_all_of_them_once() -> None:
    commands, key = invoice_from_nothing(), IdempotencyKey("tester", "a batch", "its body")
    first = handlers.execute_many(commands, actor="tester", key=key)
    again = handlers.execute_many(commands, actor="tester", key=key)
    assert again.repeated
    assert [event.position for event in again.events] == [event.position for event in first.events]
