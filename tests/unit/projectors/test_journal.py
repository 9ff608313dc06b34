"""The journal's table: which accounts each event debits and credits, and for whom."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from ledger.rules import events as e
from ledger.rules.events import CATEGORIES
from projectors.events.dates import dated_since
from projectors.journal import ACCOUNTS, Journal, lines
from tests.unit.projectors.recorded import recorded

COMPANY, ASSET, ACCOUNT, DEAL, PRODUCT, GRANT = (UUID(int=number) for number in range(1, 7))
DAY = date(2024, 3, 1)
NOTHING, FIVE, TEN = Decimal("0.00"), Decimal("5.00"), Decimal("10.00")
ROLES = (e.DealCompany(COMPANY, "debtor"),)
RATE = Decimal("0.001")
OF_COMPANY, OF_ASSET, OF_ACCOUNT = (f"company {COMPANY}", f"asset {ASSET}", f"account {ACCOUNT}")
OF_PRODUCT, OF_GRANT = f"product {PRODUCT}", f"grant {GRANT}"

FUNDED = e.CompanyFunded(TEN, "USD", "capital")
ASSET_FUNDED = e.AssetFunded(TEN, "USD", "collected")
PAID_OUT = e.FundsPaidOut(TEN, "USD", "out")
ORIGINATED = e.ProductOriginated(DEAL, ASSET, COMPANY, TEN, "USD", DAY, RATE, "debtor", ROLES, "a product")
INCURRED = e.LateFeeIncurred(FIVE, "USD", COMPANY, DAY, datetime(2024, 3, 1, tzinfo=UTC), ASSET, TEN, RATE, 3)
PAID = e.PaymentApplied(Decimal("15.00"), TEN, FIVE, "USD", "paid")
PAID_PRINCIPAL = e.PaymentApplied(TEN, TEN, NOTHING, "USD", "paid")

TABLE: list[tuple[str, object, list[tuple[str, str, int]]]] = [
    ("company", FUNDED, [("clearing_in", OF_COMPANY, 1000), ("company_balances", OF_COMPANY, -1000)]),
    ("asset", ASSET_FUNDED, [("clearing_in", OF_ASSET, 1000), ("asset_balances", OF_ASSET, -1000)]),
    (
        "company",
        e.FundsDebited(TEN, "USD", GRANT),
        [("company_balances", OF_COMPANY, 1000), ("grants_in_transit", OF_GRANT, -1000)],
    ),
    (
        "asset",
        e.FundsDebited(TEN, "USD", GRANT),
        [("asset_balances", OF_ASSET, 1000), ("grants_in_transit", OF_GRANT, -1000)],
    ),
    (
        "account",
        e.FundsCredited(TEN, "USD", GRANT),
        [("grants_in_transit", OF_GRANT, 1000), ("account_balances", OF_ACCOUNT, -1000)],
    ),
    ("account", PAID_OUT, [("account_balances", OF_ACCOUNT, 1000), ("clearing_out", OF_ACCOUNT, -1000)]),
    ("product", ORIGINATED, [("principal_receivable", OF_PRODUCT, 1000), ("product_funding", OF_PRODUCT, -1000)]),
    ("product", INCURRED, [("fees_receivable", OF_PRODUCT, 500), ("late_fee_income", OF_PRODUCT, -500)]),
    (
        "product",
        PAID,
        [
            ("clearing_in", OF_PRODUCT, 1500),
            ("principal_receivable", OF_PRODUCT, -1000),
            ("fees_receivable", OF_PRODUCT, -500),
        ],
    ),
    ("product", PAID_PRINCIPAL, [("clearing_in", OF_PRODUCT, 1000), ("principal_receivable", OF_PRODUCT, -1000)]),
    (
        "product",
        e.LateFeeWaived(FIVE, "USD", "kind"),
        [("late_fee_waivers", OF_PRODUCT, 500), ("fees_receivable", OF_PRODUCT, -500)],
    ),
    (
        "product",
        e.ProductWrittenOff(TEN, FIVE, "USD", "lost"),
        [
            ("write_off_losses", OF_PRODUCT, 1000),
            ("late_fee_write_offs", OF_PRODUCT, 500),
            ("principal_receivable", OF_PRODUCT, -1000),
            ("fees_receivable", OF_PRODUCT, -500),
        ],
    ),
    (
        "product",
        e.ProductWrittenOff(NOTHING, FIVE, "USD", "lost"),
        [("late_fee_write_offs", OF_PRODUCT, 500), ("fees_receivable", OF_PRODUCT, -500)],
    ),
    (
        "product",
        e.RecoveryRecorded(FIVE, "USD", "liquidator"),
        [("clearing_in", OF_PRODUCT, 500), ("recovery_income", OF_PRODUCT, -500)],
    ),
    (
        "company",
        e.PayoutReturnedToCompany(1, ACCOUNT, TEN, "USD", "closed"),
        [("clearing_out", OF_COMPANY, 1000), ("company_balances", OF_COMPANY, -1000)],
    ),
]

RECOVERED = e.RecoveryRecorded(FIVE, "USD", "liquidator")
WAIVED = e.LateFeeWaived(FIVE, "USD", "kind")
WRITTEN_OFF = e.ProductWrittenOff(TEN, FIVE, "USD", "lost")
REVERSALS: list[tuple[str, object, object]] = [
    ("company", FUNDED, e.FundingReversed(1, TEN, "USD", "bounced")),
    ("asset", ASSET_FUNDED, e.FundingReversed(1, TEN, "USD", "bounced")),
    ("account", PAID_OUT, e.PayoutReturned(1, TEN, "USD", "returned")),
    ("product", PAID, e.PaymentReversed(1, Decimal("15.00"), TEN, FIVE, "USD", "bounced")),
    ("product", PAID_PRINCIPAL, e.PaymentReversed(1, TEN, TEN, NOTHING, "USD", "bounced")),
    ("product", INCURRED, e.LateFeeReversed(1, FIVE, "USD", "in error")),
    ("product", WAIVED, e.WaiverReversed(1, FIVE, "USD", "in error")),
    ("product", WRITTEN_OFF, e.WriteOffReversed(1, TEN, FIVE, "USD", "in error")),
    ("product", RECOVERED, e.RecoveryReversed(1, FIVE, "USD", "in error")),
]

NO_LINES: list[tuple[str, object]] = [
    ("company", e.CompanyRegistered("one")),
    ("company", e.CompanyRenamed("two")),
    ("asset", e.AssetRegistered(TEN, "USD", COMPANY, DEAL, "invoice")),
    ("asset", e.AssetRevalued(TEN, "USD")),
    ("asset", e.AssetFinanced(PRODUCT, TEN, "USD")),
    ("account", e.FundingAccountOpened(COMPANY, "main")),
    ("account", e.FundingAccountActivated()),
    ("account", e.FundingAccountClosed("done")),
    ("deal", e.DealCreated(1, ROLES)),
    ("deal", e.DealUpdated(1, ROLES)),
    ("deal", e.DealActivated()),
    ("deal", e.DealDeleted()),
    ("product", e.LateFeeNotAssessed("no_asset", DAY)),
    ("grant", e.BalancesGranted(TEN, "USD", "a grant", (), ())),
    ("system", e.SystemCycled(DAY)),
    ("late_fees", e.LateFeesAssessed(DAY, 0, 0, 0, 0, ())),
    ("seals", e.DaySealed(DAY, 1, 2, 2, (), "", "", 1, (), "", "", "")),
]

UUIDS = {"company": COMPANY, "asset": ASSET, "account": ACCOUNT, "deal": DEAL, "product": PRODUCT, "grant": GRANT}


def journal(category: str, event: object) -> list[tuple[str, str, int]]:
    """Return account, party and debit less credit of each line."""
    stream = f"{category}-{UUIDS[category]}" if category in UUIDS else category
    [booking] = dated_since(None, recorded([(stream, event)]))
    return [
        (line["account"], f"{line['party_type']} {line['party_uuid']}", line["debit"] - line["credit"])
        for line in lines(booking)
    ]


@pytest.mark.parametrize(("category", "event", "expected"), TABLE)
def test_each_event_has_the_lines_of_the_table(
    category: str, event: object, expected: list[tuple[str, str, int]]
) -> None:
    assert journal(category, event) == expected
    assert sum(amount for _, _, amount in expected) == 0


@pytest.mark.parametrize(("category", "event", "reversal"), REVERSALS)
def test_a_reversal_has_the_lines_of_what_it_reverses_the_other_way_round(
    category: str, event: object, reversal: object
) -> None:
    assert journal(category, reversal) == [(account, party, -net) for account, party, net in journal(category, event)]


@pytest.mark.parametrize(("category", "event"), NO_LINES)
def test_all_others_have_none_for_a_value_is_not_money(category: str, event: object) -> None:
    assert journal(category, event) == []


def test_every_event_of_the_ledger_is_in_one_of_the_tables() -> None:
    tested = {(category, type(event)) for category, event, _ in [*TABLE, *REVERSALS]}
    tested |= {(category, type(reversal)) for category, _, reversal in REVERSALS}
    tested |= {(category, type(event)) for category, event in NO_LINES}
    assert tested == {(category, cls) for category, classes in CATEGORIES.items() for cls in classes}


def test_the_journal_handles_exactly_the_events_that_have_lines_and_the_cycles_that_date_them() -> None:
    with_lines = {type(event).__name__ for _, event, _ in TABLE} | {type(r).__name__ for _, _, r in REVERSALS}
    assert set(Journal.types) == with_lines | {"SystemCycled"}


def test_lines_carry_their_place_dates_digits_and_reference() -> None:
    events = recorded(
        [("system", e.SystemCycled(DAY)), (f"product-{PRODUCT}", INCURRED), (f"company-{COMPANY}", FUNDED)]
    )
    first, incurred, funded = dated_since("2024-02-28", events)
    assert (first.booking_date, first.business_date) == ("2024-02-28", "2024-03-01")
    line = lines(incurred)[1]
    assert (line["position"], line["line"], line["event_type"]) == (2, 2, "LateFeeIncurred")
    assert (line["booking_date"], line["business_date"], line["reference"]) == ("2024-03-01", "2024-03-01", "")
    assert (lines(funded)[0]["reference"], lines(funded)[0]["minor_digits"]) == ("capital", 2)


def test_a_grants_legs_refer_to_the_grant_and_a_reversal_to_its_reason() -> None:
    debited = (f"company-{COMPANY}", e.FundsDebited(TEN, "USD", GRANT))
    reversed_ = (f"company-{COMPANY}", e.FundingReversed(1, TEN, "USD", "bounced"))
    references = {
        line["reference"] for booking in dated_since(None, recorded([debited, reversed_])) for line in lines(booking)
    }
    assert references == {str(GRANT), "bounced"}


def test_an_event_that_names_an_earlier_date_is_booked_on_the_last_cycled_one() -> None:
    late = e.LateFeeNotAssessed("no_asset", date(2024, 1, 1))
    [booking] = dated_since("2024-03-01", recorded([(f"product-{PRODUCT}", late)]))
    assert (booking.booking_date, booking.business_date) == ("2024-03-01", "2024-01-01")


def test_before_the_first_cycle_there_is_no_date() -> None:
    [booking] = dated_since(None, recorded([(f"company-{COMPANY}", FUNDED)]))
    assert (booking.booking_date, booking.business_date) == (None, None)


def test_the_accounts_are_those_that_the_table_names() -> None:
    assert {account for _, _, sides in TABLE for account, _, _ in sides} == set(ACCOUNTS)
