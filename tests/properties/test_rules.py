"""Whatever is asked for and in whatever order: money is conserved, nothing is overdrawn, and folds agree."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from ledger.rules import decide, money
from ledger.rules.aggregates.membership import Memberships
from ledger.rules.aggregates.membership import evolve as follow
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
    DealDeleted,
    DealUpdated,
    FundingAccountActivated,
    FundingAccountOpened,
    FundingReversed,
    FundsCredited,
    FundsDebited,
    FundsPaidOut,
    LateFeeIncurred,
    PaymentApplied,
    PayoutReturned,
    ProductOriginated,
)
from ledger.rules.refusals.base import Refusal
from tests.support.ledger import strategies
from tests.unit.ledger.given import Log, Recorded, account, asset, company, deal, product

Wish = Command | strategies.TakeBack

# A world in which most commands have something to work on; the sequences go on from here.
A, B, C = strategies.COMPANIES
ASSET: Final = strategies.ASSETS[0]
PRODUCT: Final = strategies.PRODUCTS[0]
ROLES: Final = (DealCompany(A, "seller"), DealCompany(B, "debtor"))
DUE: Final = date(2026, 3, 31)
RATE: Final = Decimal("0.1")
LENT: Final = ProductOriginated(strategies.DEALS[0], ASSET, B, Decimal("10.00"), "USD", DUE, RATE, "debtor", ROLES, "x")


def fee(amount: Decimal) -> LateFeeIncurred:
    """Return a late fee on the product of the world."""
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


def after(wishes: list[Wish]) -> Log:
    """Return what is recorded once all commands were tried, each refused or not."""
    log = Log(WORLD)
    for wish in wishes:
        before = len(log.recorded)
        command = wish.of(log.recorded) if isinstance(wish, strategies.TakeBack) else wish
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
def test_money_is_neither_made_nor_lost(wishes: list[Wish]) -> None:
    log = after(wishes)
    expected: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for _, event in log.recorded:
        match event:
            case CompanyFunded() | AssetFunded() | PayoutReturned():
                expected[event.currency] += event.amount
            case FundingReversed() | FundsPaidOut():
                expected[event.currency] -= event.amount
            case _:
                pass
    assert balances(log) == {currency: amount for currency, amount in expected.items() if amount}


@given(strategies.sequences)
def test_what_a_grant_draws_is_what_it_pays(wishes: list[Wish]) -> None:
    log = after(wishes)
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
def test_nothing_is_ever_below_zero_and_no_closed_account_holds_money(wishes: list[Wish]) -> None:
    log = after(wishes)
    for folded in history(tuple(log.recorded)):
        for stream, state in folded.items():
            if stream.startswith(("company-", "asset-", "account-")):
                assert state.balance >= 0
            if stream.startswith("account-") and state.status == "closed":
                assert state.balance == 0
            if stream.startswith("product-"):
                assert min(state.principal_outstanding, state.fees_outstanding, state.principal_paid) >= 0


@given(strategies.sequences)
def test_what_is_owed_is_what_was_lent_less_what_was_paid(wishes: list[Wish]) -> None:
    log = after(wishes)
    for stream, state in states(tuple(log.recorded)).items():
        if stream.startswith("product-") and not state.written_off:
            assert state.principal_outstanding + state.principal_paid == state.principal
            assert state.fees_outstanding + state.fees_paid + state.fees_waived == state.fees_incurred


@given(strategies.sequences)
def test_an_asset_backs_at_most_one_product_with_principal_outstanding(wishes: list[Wish]) -> None:
    log = after(wishes)
    for folded in history(tuple(log.recorded)):
        owing = [
            state.asset_uuid
            for stream, state in folded.items()
            if stream.startswith("product-") and state.principal_outstanding > 0 and state.asset_uuid is not None
        ]
        assert len(owing) == len(set(owing))


@given(strategies.sequences, st.data())
def test_a_prefix_and_then_the_rest_folds_to_what_all_at_once_does(wishes: list[Wish], data: st.DataObject) -> None:
    recorded = tuple(after(wishes).recorded)
    cut = data.draw(st.integers(0, len(recorded)))
    folded = states(recorded[:cut])
    for stream, event in recorded[cut:]:
        initial, evolve = decide.STATES[stream.partition("-")[0]]
        folded[stream] = evolve(folded.get(stream, initial), event)
    assert folded == states(recorded)


@given(strategies.sequences)
def test_every_amount_that_is_recorded_has_the_digits_of_its_currency(wishes: list[Wish]) -> None:
    for _, event in after(wishes).recorded:
        if isinstance(event, CompanyFunded | FundsDebited | FundsCredited | FundsPaidOut | PaymentApplied):
            assert money.digits_of(event.amount) == strategies.DIGITS[event.currency]
        if isinstance(event, ProductOriginated):
            assert money.digits_of(event.principal) == strategies.DIGITS[event.currency]


deal_events = st.lists(
    st.tuples(
        st.sampled_from(strategies.DEALS),
        st.one_of(
            st.builds(
                lambda kind, uuid: kind(4, (DealCompany(uuid, "member"),), "gold"),
                st.sampled_from([DealCreated, DealUpdated]),
                st.sampled_from(strategies.COMPANIES),
            ),
            st.just(DealActivated()),
            st.just(DealDeleted()),
        ),
    )
)


@given(deal_events)
def test_each_membership_is_held_under_a_deal_of_its_own(events: list[tuple[Any, Any]]) -> None:
    memberships = Memberships()
    for deal_uuid, event in events:
        follow(memberships, deal_uuid, event)
        held = {membership.deal_uuid: uuid for uuid, membership in memberships.by_company.items()}
        assert held == memberships.company_of_deal


@given(strategies.amounts())
def test_an_amount_survives_text_and_smallest_units(drawn: tuple[Decimal, int]) -> None:
    amount, digits = drawn
    assert str(money.parse_amount(money.to_text(amount), digits)) == str(amount)
    assert str(money.from_minor(money.to_minor(amount), digits)) == str(amount)


@given(strategies.amounts(), strategies.rates)
def test_a_late_fee_is_the_nearest_amount_to_the_exact_product(drawn: tuple[Decimal, int], rate: Decimal) -> None:
    value, digits = drawn
    # In whole numbers: the value in smallest units times the rate in 10^-8, so that nothing is rounded on the way.
    exact = money.to_minor(value) * int(rate.scaleb(8))
    fee = money.to_minor(money.late_fee(value, rate))
    distance = abs(fee * 10**8 - exact)
    assert distance < 10**8 // 2 or (distance == 10**8 // 2 and fee % 2 == 0)
    assert money.fits(Decimal(fee).scaleb(-digits), digits)
