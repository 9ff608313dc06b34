"""For any commands in any order: money is conserved, nothing is overdrawn, and folds agree."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from ledger.rules import decide, late_fee, money
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.membership import Memberships
from ledger.rules.commands import Command
from ledger.rules.events import (
    AssetFinanced,
    AssetFunded,
    AssetRegistered,
    BalancesGranted,
    CompanyFunded,
    CompanyRegistered,
    DealActivated,
    DealCompany,
    DealCreated,
    FundingAccountActivated,
    FundingAccountOpened,
    FundingReversed,
    FundsCredited,
    FundsDebited,
    FundsPaidOut,
    LateFeeIncurred,
    PaymentApplied,
    PayoutReturned,
    PayoutReturnedToCompany,
    ProductOriginated,
    ProductWrittenOff,
    WriteOffReversed,
)
from ledger.rules.refusals.base import Refusal
from tests.support.ledger import strategies
from tests.unit.ledger.given import Log, Recorded, account, asset, company, deal, product

Step = Command | strategies.Reversal

# The history with which each sequence begins, so that most commands find a target.
A, B, C = strategies.COMPANIES
ASSET: Final = strategies.ASSETS[0]
PRODUCT: Final = strategies.PRODUCTS[0]
ROLES: Final = (DealCompany(A, "seller"), DealCompany(B, "debtor"))
DUE: Final = date(2026, 3, 31)
RATE: Final = Decimal("0.1")
LENT: Final = ProductOriginated(strategies.DEALS[0], ASSET, B, Decimal("10.00"), "USD", DUE, RATE, "debtor", ROLES, "x")


def fee(amount: Decimal) -> LateFeeIncurred:
    """Return a late fee of the product in that history."""
    moment = datetime(2026, 4, 1, 8, tzinfo=UTC)
    return LateFeeIncurred(amount, "USD", B, moment.date(), moment, ASSET, Decimal("50.00"), RATE, 1)


WORLD: Final[Recorded] = (
    *(pair for uuid in (A, B, C) for pair in company(uuid, CompanyRegistered("x"))),
    *company(A, CompanyFunded(Decimal("10.00"), "USD", "x"), CompanyFunded(Decimal("50.00"), "USD", "x")),
    *company(B, CompanyFunded(Decimal("5.00"), "USD", "x")),
    *asset(ASSET, AssetRegistered(Decimal("50.00"), "USD", A, B, "x"), AssetFunded(Decimal("20.00"), "USD", "x")),
    *account(strategies.ACCOUNTS[0], FundingAccountOpened(A, "x"), FundingAccountActivated()),
    *account(strategies.ACCOUNTS[1], FundingAccountOpened(B, "x"), FundingAccountActivated()),
    *deal(strategies.DEALS[0], DealCreated(1, ROLES), DealActivated()),
    *product(PRODUCT, LENT, fee(Decimal("5.00"))),
    *asset(ASSET, AssetFinanced(PRODUCT, LENT.principal, "USD")),
)
HOLDERS: Final = (
    *(("company", uuid) for uuid in strategies.COMPANIES),
    *(("asset", uuid) for uuid in strategies.ASSETS),
    *(("account", uuid) for uuid in strategies.ACCOUNTS),
)


def after(steps: list[Step]) -> Log:
    """Return the log after all commands were tried; some are refused."""
    log = Log(WORLD)
    for step in steps:
        before = len(log.recorded)
        command = step.command(log.recorded) if isinstance(step, strategies.Reversal) else step
        try:
            if command is not None:
                log.when(command)
        except Refusal:
            assert len(log.recorded) == before
    return log


def history(recorded: Recorded) -> Iterator[dict[str, Any]]:
    """Yield the state of every stream after each event."""
    folded: dict[str, Any] = {}
    for stream, event in recorded:
        initial, evolve = decide.STATES[stream.partition("-")[0]]
        folded[stream] = evolve(folded.get(stream, initial), event)
        yield folded


def states(recorded: Recorded) -> dict[str, Any]:
    """Return the state of every stream at the end."""
    return [{}, *history(recorded)][-1]


def balances(log: Log) -> dict[str | None, Decimal]:
    """Return the sum of all balances in each currency."""
    held: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    folded = states(tuple(log.recorded))
    for category, uuid in HOLDERS:
        state = folded.get(f"{category}-{uuid}")
        if state is not None and state.balance:
            held[state.currency] += state.balance
    return dict(held)


@given(strategies.sequences)
def test_money_is_neither_made_nor_lost(steps: list[Step]) -> None:
    log = after(steps)
    expected: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for _, event in log.recorded:
        match event:
            case CompanyFunded() | AssetFunded() | PayoutReturned() | PayoutReturnedToCompany():
                expected[event.currency] += event.amount
            case FundingReversed() | FundsPaidOut():
                expected[event.currency] -= event.amount
            case _:
                pass
    assert balances(log) == {currency: amount for currency, amount in expected.items() if amount}


@given(strategies.sequences)
def test_a_grant_pays_exactly_what_it_draws(steps: list[Step]) -> None:
    log = after(steps)
    moved: defaultdict[object, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for _, event in log.recorded:
        if isinstance(event, FundsDebited):
            moved[event.grant_uuid][0] += event.amount
        if isinstance(event, FundsCredited):
            moved[event.grant_uuid][1] += event.amount
    grants = {stream: event for stream, event in log.recorded if isinstance(event, BalancesGranted)}
    assert {f"grant-{uuid}" for uuid in moved} == set(grants)
    for uuid, (drawn, paid) in moved.items():
        granted = grants[f"grant-{uuid}"]
        assert drawn == paid == granted.total == sum(source.amount for source in granted.sources)
        assert paid == sum(destination.amount for destination in granted.destinations)


@given(strategies.sequences)
def test_nothing_is_ever_below_zero_and_no_closed_account_holds_money(steps: list[Step]) -> None:
    log = after(steps)
    for folded in history(tuple(log.recorded)):
        for stream, state in folded.items():
            if stream.startswith(("company-", "asset-", "account-")):
                assert state.balance >= 0
            if stream.startswith("account-") and state.status == "closed":
                assert state.balance == 0
            if stream.startswith("product-"):
                owed, paid = (
                    (state.principal_outstanding, state.fees_outstanding),
                    (state.principal_paid, state.fees_paid),
                )
                assert min(*owed, *paid, state.fees_incurred, state.fees_waived) >= 0


@given(strategies.sequences)
def test_outstanding_is_principal_and_fees_less_what_was_paid_and_waived(steps: list[Step]) -> None:
    log = after(steps)
    for stream, state in states(tuple(log.recorded)).items():
        if stream.startswith("product-"):
            written_off = [event for at, event in log.recorded if at == stream and isinstance(event, ProductWrittenOff)]
            undone = [event for at, event in log.recorded if at == stream and isinstance(event, WriteOffReversed)]
            principal = sum(event.principal for event in written_off) - sum(event.principal for event in undone)
            fees = sum(event.fees for event in written_off) - sum(event.fees for event in undone)
            assert state.principal_outstanding + state.principal_paid + principal == state.principal
            assert state.fees_outstanding + state.fees_paid + state.fees_waived + fees == state.fees_incurred
            assert 0 <= state.recovered <= state.written_off == principal + fees


@given(strategies.sequences)
def test_an_asset_backs_at_most_one_product_with_principal_outstanding(steps: list[Step]) -> None:
    log = after(steps)
    for folded in history(tuple(log.recorded)):
        owing = [
            state.asset_uuid
            for stream, state in folded.items()
            if stream.startswith("product-") and state.principal_outstanding > 0 and state.asset_uuid is not None
        ]
        assert len(owing) == len(set(owing))


@given(strategies.sequences, st.data())
def test_folding_in_two_parts_equals_folding_at_once(steps: list[Step], data: st.DataObject) -> None:
    recorded = tuple(after(steps).recorded)
    cut = data.draw(st.integers(0, len(recorded)))
    folded = states(recorded[:cut])
    for stream, event in recorded[cut:]:
        initial, evolve = decide.STATES[stream.partition("-")[0]]
        folded[stream] = evolve(folded.get(stream, initial), event)
    assert folded == states(recorded)


@given(strategies.sequences)
def test_every_recorded_amount_has_the_digits_of_its_currency(steps: list[Step]) -> None:
    for _, event in after(steps).recorded:
        if isinstance(event, CompanyFunded | FundsDebited | FundsCredited | FundsPaidOut | PaymentApplied):
            assert money.digits_of(event.amount) == strategies.DIGITS[event.currency]
        if isinstance(event, ProductOriginated):
            assert money.digits_of(event.principal) == strategies.DIGITS[event.currency]


@given(strategies.deal_events)
def test_each_membership_has_its_own_deal(events: list[tuple[Any, Any]]) -> None:
    memberships = Memberships()
    for deal_uuid, event in events:
        membership.evolve(memberships, str(deal_uuid), event)
        held = {deal: company for company, (_, deal, _) in memberships.by_company.items()}
        assert held == memberships.company_of_deal


@given(strategies.amounts())
def test_an_amount_is_the_same_after_conversion_to_text_and_minor_units(drawn: tuple[Decimal, int]) -> None:
    amount, digits = drawn
    assert str(money.parse_amount(money.to_text(amount), digits)) == str(amount)
    assert str(money.from_minor(money.to_minor(amount), digits)) == str(amount)


@given(strategies.amounts(), strategies.rates)
def test_a_late_fee_is_the_nearest_amount_to_the_exact_product(drawn: tuple[Decimal, int], rate: Decimal) -> None:
    value, digits = drawn
    # The value in minor units times the rate in units of 10^-8: whole numbers, so that nothing is rounded.
    exact = money.to_minor(value) * int(rate.scaleb(8))
    fee = money.to_minor(late_fee.amount(value, rate))
    distance = abs(fee * 10**8 - exact)
    assert distance < 10**8 // 2 or (distance == 10**8 // 2 and fee % 2 == 0)
    assert money.fits(Decimal(fee).scaleb(-digits), digits)
