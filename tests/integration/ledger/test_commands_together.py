"""Several commands of one item: each is decided on what the ones before it made, and all are recorded or none."""

from decimal import Decimal
from uuid import uuid4

import pytest

from eventstore import store
from eventstore.errors import WrongExpectedVersion
from eventstore.records import Appended, Context, IdempotencyKey
from ledger import batches, states
from ledger.batches import BatchRefused, Item, Result
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
from ledger.rules.refusals.existence import AlreadyExists, UnknownCompany
from ledger.rules.refusals.products import DealNotActive
from tests.support.ledger.portfolio import DUE, do, interfering, new_company, new_deal, origination

pytestmark = pytest.mark.usefixtures("database")

USD = "USD"
BATCH = Context("tester", "a batch")


def execute(*items: Item, atomic: bool = True) -> list[Result]:
    return batches.execute(items, BATCH, atomic=atomic)


def together(commands: list[Command], key: IdempotencyKey | None = None) -> Appended:
    (result,) = execute(Item(tuple(commands), key))
    assert isinstance(result, Appended)
    return result


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
    appended = together(commands)
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


def test_a_refused_command_refuses_all_of_its_item() -> None:
    company = uuid4()
    register, again = RegisterCompany(company, "one"), RegisterCompany(company, "two")
    with pytest.raises(BatchRefused, match="exists already"):
        together([register, again])
    assert store.head().position == 0


def test_what_a_refused_item_would_have_made_is_unknown_to_the_next_one() -> None:
    company = uuid4()
    register = RegisterCompany(company, "one")
    fund = FundCompany(company, Decimal("1.00"), "a receipt", USD)
    refused, unknown, registered, funded = execute(
        Item((register, register)), Item((fund,)), Item((register,)), Item((fund, fund)), atomic=False
    )
    assert [type(refused), type(unknown)] == [AlreadyExists, UnknownCompany]
    assert isinstance(registered, Appended)
    assert isinstance(funded, Appended)
    assert [event.version for event in (*registered.events, *funded.events)] == [1, 2, 3]


def test_a_command_with_nothing_left_to_do_is_passed_over() -> None:
    company, other = RegisterCompany(uuid4(), "one"), RegisterCompany(uuid4(), "another")
    together([company])
    some, none = execute(Item((company, other), done=(AlreadyExists,)), Item((company,), done=(AlreadyExists,)))
    assert isinstance(some, Appended)
    assert isinstance(none, Appended)
    assert [event.uuid for event in some.events] == [other.company_uuid]
    assert none.events == ()
    with pytest.raises(BatchRefused):
        execute(Item((company, other)))


def test_each_item_keeps_its_own_context_and_the_others_get_that_of_the_batch() -> None:
    first, second, third = (RegisterCompany(uuid4(), name) for name in ("one", "two", "thrée"))
    own = Context("an actor", "its own", 1, {"note": 'with "quotes", \\ and ü'})
    key = IdempotencyKey("tester", "the third", "its body")
    execute(Item((first,)), Item((second,), context=own), Item((third,), key, Context("an actor", "third")))
    events = list(store.read_all())
    assert [(event.actor, event.correlation_id, event.causation) for event in events] == [
        ("tester", "a batch", None),
        ("an actor", "its own", 1),
        ("an actor", "third", None),
    ]
    assert len({event.metadata.pop("append_id") for event in events}) == 1
    assert [event.metadata.get("note") for event in events] == [None, own.metadata["note"], None]
    recorded = store.recorded_under(key)
    assert recorded is not None
    assert [event.position for event in recorded.events] == [3]


def test_a_stream_that_the_caller_rests_on_is_checked_with_a_refusal_too() -> None:
    company = new_company()
    expected = {f"company-{company}": 7}
    for command in (FundCompany(company, Decimal("1.00"), "more", USD), RegisterCompany(company, "again")):
        with pytest.raises(WrongExpectedVersion, match=str(company)):
            batches.execute([Item((command,))], BATCH, atomic=True, expected=expected)


def test_funds_are_counted_once_for_all_commands() -> None:
    company = new_company("10.00")
    commands = [FundCompany(company, Decimal("1.00"), "more") for _ in range(3)]
    together([*commands])
    assert states.company(company).state.balance == Decimal("13.00")


def test_a_stream_that_only_the_last_command_reads_is_checked() -> None:
    deal = new_deal()
    command, before = origination(deal), store.head().position
    with (
        interfering(f"deal-{deal}", lambda: do(DeleteDeal(deal))),
        pytest.raises(BatchRefused, match="not active") as refused,
    ):
        together([RegisterCompany(uuid4(), "another"), command])
    assert isinstance(refused.value.reason, DealNotActive)
    assert store.head().position == before + 1


def test_a_repeated_key_records_all_of_them_once() -> None:
    commands, key = invoice_from_nothing(), IdempotencyKey("tester", "a batch", "its body")
    first = together(commands, key)
    again = together(commands, key)
    assert again.repeated
    assert [event.position for event in again.events] == [event.position for event in first.events]
