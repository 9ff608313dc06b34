"""Read models on both databases: following a history and rebuilding give the same rows."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.rebuild import rebuild_runner, run
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import Step
from eventstore.errors import NotCaughtUp
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent, RecordedEvent
from eventstore.runtime.shutdown import Stop
from ledger.rules import events as e
from projectors.catalog import PROJECTORS
from projectors.customers import rankings
from projectors.errors import MissingRow
from projectors.models import (
    AgingBucket,
    Balance,
    Company,
    DailyActivity,
    Deal,
    DealCompany,
    FinancialProduct,
    JournalLine,
)
from projectors.queries.live import live, position_of
from projectors.queries.trial_balance import trial_balance
from projectors.verification.verify import verify
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record
from tests.support.rounds import rounds
from tests.unit.ledger.given import Recorded

TABLES: tuple[type[Model], ...] = tuple(table for projector in PROJECTORS for table in projector.tables)
COMPANY, OTHER, ASSET, ACCOUNT, DEAL, PRODUCT, GRANT = (UUID(int=number) for number in range(1, 8))
ROLES = (e.DealCompany(COMPANY, "seller"), e.DealCompany(OTHER, "debtor"))
DAY = date(2024, 3, 1)


@pytest.fixture
def short_rankings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep short rankings every few positions, so that a short history has many."""
    monkeypatch.setattr(rankings, "EVERY", 7)
    monkeypatch.setattr(rankings, "MOST", 3)


def append(stream: str, *events: object) -> int:
    return store.append([NewEvent(stream, event) for event in events], Context("tester", "a test")).position


def rows(model: type[Model], generation: int) -> list[dict[str, Any]]:
    """Return all rows of a generation but for what differs between generations, in an order of their own."""
    values = model._default_manager.filter(generation=generation).values()
    return sorted(({k: v for k, v in row.items() if k not in {"id", "generation"}} for row in values), key=str)


def everything(generation: int) -> dict[str, list[dict[str, Any]]]:
    return {model.__name__: rows(model, generation) for model in TABLES}


def group_projects(names: Sequence[str], events: Sequence[RecordedEvent], generation: int) -> None:
    """Hand a batch to projectors as the loop does: a dependent finds the others as they were at its event."""
    members = [consumers.projectors[name] for name in names]
    dependent = {name for member in members if member.depends_on for name in member.types}
    batch: list[RecordedEvent] = []
    for index, event in enumerate(events):
        batch.append(event)
        if event.type in dependent or index == len(events) - 1:
            for member in members:
                own = [one for one in batch if one.type in member.types]
                if own:
                    with transaction.atomic():
                        member.project(own, generation, "default")
            batch = []


def project_in_batches(events: Sequence[RecordedEvent], sizes: Sequence[int], generation: int) -> None:
    start, turn = 0, 0
    while start < len(events):
        size = sizes[turn % len(sizes)]
        for group in consumers.groups():
            group_projects(group.names, events[start : start + size], generation)
        start, turn = start + size, turn + 1


def product(due: date = DAY, principal: str = "100.00", currency: str = "USD") -> e.ProductOriginated:
    rate = Decimal("0.001")
    return e.ProductOriginated(
        DEAL, ASSET, OTHER, Decimal(principal), currency, due, rate, "debtor", ROLES, "a product"
    )


def fee(amount: str, day: date) -> e.LateFeeIncurred:
    cycled = store.last_of_type("SystemCycled")
    assert cycled is not None
    value, rate = Decimal("100.00"), Decimal("0.001")
    return e.LateFeeIncurred(Decimal(amount), "USD", OTHER, day, cycled.recorded_at, ASSET, value, rate, 1)


@pytest.mark.parametrize("seed", [94, 63])
@pytest.mark.usefixtures("short_rankings")
def test_any_batches_give_the_rows_that_one_event_at_a_time_gave(database: Database, seed: int) -> None:
    record(History(seed, 200, fees_late=True).appends)
    events = list(store.read_all())
    generations = iter(range(2, 1_000))
    project_in_batches(events, [1], 1)
    one_by_one = everything(1)
    assert all(one_by_one[model.__name__] for model in TABLES)

    @settings(max_examples=rounds(3), suppress_health_check=list(HealthCheck))
    @given(sizes=st.lists(st.integers(2, 60), min_size=1, max_size=5))
    def any_batches(sizes: list[int]) -> None:
        generation = next(generations)
        project_in_batches(events, sizes, generation)
        assert everything(generation) == one_by_one

    any_batches()


def live_through(appends: Sequence[Recorded], sizes: Sequence[int]) -> None:
    """Append a part of a history, let the projectors follow it in batches of that size, and so on."""
    start, turn = 0, 0
    while start < len(appends):
        size = sizes[turn % len(sizes)]
        record(appends[start : start + 2 * size])
        for projection in projector_runners([], batch_size=size):
            while projection.step() is Step.PROGRESSED:
                pass
        start, turn = start + 2 * size, turn + 1


def rebuild(name: str, batch_size: int) -> None:
    """Rebuild a projector's group."""
    own = rebuild_runner(name, batch_size)
    assert own.begin(name, actor="tester")
    assert run(own, Stop(), lambda _done, _total: None, print)


@pytest.mark.parametrize("seed", range(34, 34 + rounds(1)))
@pytest.mark.usefixtures("short_rankings")
def test_a_rebuild_gives_exactly_the_rows_that_living_through_it_gave(database: Database, seed: int) -> None:
    live_through(History(seed, 200, fees_late=True).appends, [seed % 7, 1, 13, 40])
    lived = everything(1)
    names = [group.names[0] for group in consumers.groups()]

    @settings(max_examples=rounds(2), suppress_health_check=list(HealthCheck))
    @given(size=st.integers(1, 300))
    def rebuilt_in_any_batches(size: int) -> None:
        for name in names:
            rebuild(name, size)
        [generation] = set(Checkpoint.objects.values_list("generation", flat=True))
        assert everything(generation) == lived

    rebuilt_in_any_batches()
    assert {model.__name__: sorted(map(str, rows_alive(model))) for model in TABLES} == {
        name: sorted(map(str, kept)) for name, kept in lived.items()
    }


def rows_alive(model: type[Model]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in {"id", "generation"}} for row in live(model).values()]


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-1, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "over 90"),
    ],
)
def test_an_amount_owed_ages_by_its_days_past_due(database: Database, days: int, bucket: str) -> None:
    append(f"product-{PRODUCT}", product(DAY - timedelta(days=days)))
    append("system", e.SystemCycled(DAY))
    catch_up("aging")
    [row] = live(AgingBucket)
    assert (row.business_date, row.currency, row.bucket) == (DAY, "USD", bucket)
    assert (row.principal, row.fees, row.products, row.minor_digits) == (10_000, 0, 1, 2)


def test_fees_age_with_their_product_and_the_dates_own_are_not_among_them(database: Database) -> None:
    due = DAY - timedelta(days=40)
    append(f"product-{PRODUCT}", product(due))
    append("system", e.SystemCycled(DAY))
    append(f"product-{PRODUCT}", fee("0.10", DAY))
    append("system", e.SystemCycled(DAY + timedelta(days=1)))
    catch_up("aging")
    ages = [(row.business_date, row.bucket, row.fees) for row in live(AgingBucket).order_by("business_date")]
    assert ages == [(DAY, "31-60", 0), (DAY + timedelta(days=1), "31-60", 10)]


def test_a_product_that_owes_only_fees_counts_and_one_that_owes_nothing_does_not(database: Database) -> None:
    append(f"product-{PRODUCT}", product(DAY - timedelta(days=2)))
    append("system", e.SystemCycled(DAY - timedelta(days=1)))
    append(f"product-{PRODUCT}", fee("0.10", DAY))
    payment = e.PaymentApplied(Decimal("100.00"), Decimal("100.00"), Decimal("0.00"), "USD", "paid")
    append(f"product-{PRODUCT}", payment)
    append("system", e.SystemCycled(DAY))
    append(f"product-{PRODUCT}", e.LateFeeWaived(Decimal("0.10"), "USD", "kind"))
    append("system", e.SystemCycled(DAY + timedelta(days=1)))
    catch_up("aging")
    ages = [(r.business_date, r.principal, r.fees, r.products) for r in live(AgingBucket).order_by("position")]
    assert ages == [(DAY - timedelta(days=1), 10_000, 0, 1), (DAY, 0, 10, 1)]


def test_a_date_that_begins_twice_is_refused_without_a_traceback_and_can_be_skipped(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    append(f"product-{PRODUCT}", product(DAY - timedelta(days=2)))
    append("system", e.SystemCycled(DAY))
    again = append("system", e.SystemCycled(DAY))
    append("system", e.SystemCycled(DAY + timedelta(days=1)))
    with pytest.raises(NotCaughtUp, match=f"{DAY} has begun before, and the event at {again} begins it again"):
        catch_up("aging")
    assert "consumer stopped" in caplog.text
    assert not any(record.exc_info for record in caplog.records)
    operator_actions.skip("aging", again, actor="an operator", reason="it began once")
    catch_up("aging")
    assert [row.position for row in live(AgingBucket).order_by("position")] == [again - 1, again + 1]


def test_aging_sees_products_as_of_the_cycle_even_if_the_log_has_grown(database: Database) -> None:
    append(f"product-{PRODUCT}", product(DAY))
    append("system", e.SystemCycled(DAY))
    payment = e.PaymentApplied(Decimal("100.00"), Decimal("100.00"), Decimal("0.00"), "USD", "paid")
    append(f"product-{PRODUCT}", payment)
    append("system", e.SystemCycled(DAY + timedelta(days=1)))
    catch_up("aging")
    assert [(row.business_date, row.principal) for row in live(AgingBucket)] == [(DAY, 10_000)]


def test_a_product_remembers_where_its_principal_reached_zero_and_where_it_owed_again(database: Database) -> None:
    stream = f"product-{PRODUCT}"
    whole, nothing = Decimal("100.00"), Decimal("0.00")
    originated = append(stream, product())
    paid = append(stream, e.PaymentApplied(whole, whole, nothing, "USD", "paid"))
    bounced = append(stream, e.PaymentReversed(paid, whole, whole, nothing, "USD", "bounced"))
    catch_up("financial_products")
    [row] = live(FinancialProduct)
    assert (row.originated_position, row.principal_zero_position, row.owing_again_position) == (
        originated,
        paid,
        bounced,
    )
    assert (row.status, row.principal_outstanding, row.principal_paid) == ("open", 10_000, 0)
    written_off = append(stream, e.ProductWrittenOff(whole, nothing, "USD", "lost"))
    catch_up("financial_products")
    row.refresh_from_db()
    assert (row.status, row.principal_zero_position, row.owing_again_position) == (
        "written_off",
        written_off,
        bounced,
    )
    assert (row.owes, row.principal_paid, row.position) == (False, 0, written_off)


def test_a_product_that_owes_only_fees_is_open_until_they_are_paid(database: Database) -> None:
    stream = f"product-{PRODUCT}"
    append("system", e.SystemCycled(DAY))
    whole, some, nothing = Decimal("100.00"), Decimal("0.10"), Decimal("0.00")
    append(stream, product(DAY - timedelta(days=1)), fee("0.10", DAY))
    append(stream, e.PaymentApplied(whole, whole, nothing, "USD", "paid"))
    catch_up("financial_products")
    [row] = live(FinancialProduct)
    assert (row.status, row.owes, row.fees_outstanding) == ("open", True, 10)
    append(stream, e.PaymentApplied(some, nothing, some, "USD", "paid"))
    catch_up("financial_products")
    row.refresh_from_db()
    assert (row.status, row.owes, row.fees_paid, row.fees_incurred) == ("paid", False, 10, 10)


def test_amounts_are_whole_minor_units_by_the_digits_they_were_recorded_with(database: Database) -> None:
    append(
        f"company-{COMPANY}", e.CompanyRegistered("one"), e.CompanyFunded(Decimal("999999999999999.999"), "KWD", "a")
    )
    append(f"company-{OTHER}", e.CompanyRegistered("two"), e.CompanyFunded(Decimal(7), "JPY", "b"))
    append(f"asset-{ASSET}", e.AssetRegistered(Decimal("0.01"), "USD", COMPANY, OTHER, "c"))
    catch_up("balances")
    found = {(row.uuid, row.balance, row.currency, row.minor_digits) for row in live(Balance)}
    assert found == {(COMPANY, 999_999_999_999_999_999, "KWD", 3), (OTHER, 7, "JPY", 0), (ASSET, 0, "USD", 2)}


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_no_accepted_command_stops_a_projector_even_with_large_amounts(database: Database, seed: int) -> None:
    record(History(seed, 400, extreme=True, fees_late=True).appends)
    catch_up(*(projector.name for projector in PROJECTORS))
    assert set(Checkpoint.objects.values_list("position", "error_position")) == {(store.head().position, None)}
    assert verify(lambda _done, _total: None)
    assert sum(line.debit for line in trial_balance()) > 2**63


def test_fees_of_many_days_and_their_write_off_may_exceed_64_bits(database: Database) -> None:
    greatest, days = Decimal("9999999999999999.99"), 20
    stream = f"product-{PRODUCT}"
    append(stream, product(date(1900, 1, 1)))
    for number in range(days):
        append("system", e.SystemCycled(date(2999, 12, 1) + timedelta(days=number)))
        append(stream, fee(str(greatest), date(2999, 12, 1) + timedelta(days=number)))
    append("system", e.SystemCycled(date(2999, 12, 31)))
    append(stream, e.ProductWrittenOff(Decimal("100.00"), days * greatest, "USD", "lost"))
    catch_up(*(projector.name for projector in PROJECTORS))
    owed = int(days * greatest * 100)
    assert owed > 2**64
    [row] = live(FinancialProduct)
    assert (row.fees_incurred, row.fees_outstanding) == (owed, 0)
    assert live(AgingBucket).get(business_date=date(2999, 12, 31)).fees == owed
    assert live(JournalLine).get(account="fees_receivable", event_type="ProductWrittenOff").credit == owed
    sums = {line.account: (line.debit, line.credit) for line in trial_balance()}
    assert sums["fees_receivable"] == (owed, owed)
    assert verify(lambda _done, _total: None)


def test_sums_sort_by_value(database: Database) -> None:
    figures = [0, 7, 2**63 - 1, 2**63, 10**19, 10**25]
    FinancialProduct.objects.bulk_create(
        FinancialProduct(
            generation=1,
            position=1,
            product_uuid=UUID(int=number),
            deal_uuid=DEAL,
            obligor_company_uuid=OTHER,
            principal=1,
            minor_digits=2,
            due_date=DAY,
            companies=[],
            principal_outstanding=1,
            fees_outstanding=figure,
            owes=True,
            originated_position=1,
        )
        for number, figure in enumerate(reversed(figures))
    )
    rows = FinancialProduct.objects.order_by("fees_outstanding")
    assert list(rows.values_list("fees_outstanding", flat=True)) == figures
    assert rows.filter(fees_outstanding__gt=2**63 - 1).count() == 3


def test_aging_knows_a_bucket_on_the_first_date_that_there_is(database: Database) -> None:
    append(f"product-{PRODUCT}", product(DAY))
    append("system", e.SystemCycled(date.min))
    catch_up("aging")
    assert [row.bucket for row in live(AgingBucket)] == ["current"]


def test_a_balance_has_no_currency_until_the_first_money_arrives(database: Database) -> None:
    append(f"account-{ACCOUNT}", e.FundingAccountOpened(COMPANY, "main"))
    catch_up("balances")
    [row] = live(Balance)
    assert (row.entity, row.currency, row.status, row.company_uuid, row.label) == (
        "account",
        "",
        "pending",
        COMPANY,
        "main",
    )
    credited = e.FundsCredited(Decimal("5.00"), "USD", GRANT)
    append(f"account-{ACCOUNT}", e.FundingAccountActivated(), credited)
    catch_up("balances")
    row.refresh_from_db()
    assert (row.balance, row.currency, row.minor_digits, row.status) == (500, "USD", 2, "active")


def test_the_directory_follows_names_currencies_and_deals(database: Database) -> None:
    append(f"company-{COMPANY}", e.CompanyRegistered("one"), e.CompanyRenamed("uno"))
    funded = append(f"company-{COMPANY}", e.CompanyFunded(Decimal("1.00"), "EUR", "a"))
    append(f"company-{COMPANY}", e.CompanyFunded(Decimal("1.00"), "EUR", "b"))
    append(f"deal-{DEAL}", e.DealCreated(1, ROLES), e.DealActivated())
    catch_up("directory")
    [company] = live(Company)
    assert (company.name, company.currency, company.position) == ("uno", "EUR", funded)
    [deal] = live(Deal)
    assert (deal.product_line_id, deal.status, deal.rating_tier) == (1, "active", None)
    assert [role["role"] for role in deal.companies] == ["seller", "debtor"]
    append(f"deal-{DEAL}", e.DealUpdated(1, ROLES[1:]))
    catch_up("directory")
    deal.refresh_from_db()
    assert (deal.status, deal.companies) == ("created", [{"company_uuid": str(OTHER), "role": "debtor"}])
    assert [(row.company_uuid, row.role) for row in live(DealCompany)] == [(OTHER, "debtor")]


def test_days_count_events_and_amounts_under_the_events_own_business_date(database: Database) -> None:
    company = f"company-{COMPANY}"
    funded = append(company, e.CompanyRegistered("one"), e.CompanyFunded(Decimal("9.00"), "USD", "a"))
    append("system", e.SystemCycled(DAY))
    append(company, e.CompanyFunded(Decimal("5.00"), "USD", "b"))
    append("system", e.SystemCycled(DAY + timedelta(days=1)))
    append(f"product-{PRODUCT}", fee("0.30", DAY))
    append(company, e.FundingReversed(funded, Decimal("9.00"), "USD", "bounced"))
    paid_out = append(f"account-{ACCOUNT}", e.FundsPaidOut(Decimal("3.00"), "USD", "out"))
    append(f"account-{ACCOUNT}", e.PayoutReturned(paid_out, Decimal("3.00"), "USD", "back"))
    catch_up("daily_activity")
    found = {(row.business_date, row.currency): row for row in live(DailyActivity)}
    assert found[None, ""].events == {"CompanyRegistered": 1}
    assert found[None, "USD"].paid_in == 900
    assert found[DAY, ""].events == {"SystemCycled": 1}
    assert (found[DAY, "USD"].paid_in, found[DAY, "USD"].fees_assessed) == (500, 30)
    last = found[DAY + timedelta(days=1), "USD"]
    assert (last.paid_in, last.paid_out, last.minor_digits) == (-900, 0, 2)
    assert last.events == {"FundingReversed": 1, "FundsPaidOut": 1, "PayoutReturned": 1}


def test_an_event_of_an_entity_that_was_never_made_stops_the_projector(database: Database) -> None:
    append(f"company-{COMPANY}", e.CompanyRenamed("nobody"))
    [event] = store.read_all()
    with pytest.raises(MissingRow, match=f"event at 1 changes {COMPANY} in projectors_company"), transaction.atomic():
        consumers.projectors["directory"].project([event], 1, "default")


def test_queries_answer_from_the_generation_that_the_checkpoint_names(database: Database) -> None:
    append(f"company-{COMPANY}", e.CompanyRegistered("one"), e.CompanyFunded(Decimal("5.00"), "USD", "a"))
    catch_up("journal")
    Checkpoint.objects.filter(name="journal").update(generation=2)
    assert trial_balance() == []
    Checkpoint.objects.filter(name="journal").update(generation=1)
    assert [(line.account, line.debit, line.credit) for line in trial_balance()] == [
        ("clearing_in", 500, 0),
        ("company_balances", 0, 500),
    ]
    assert trial_balance(up_to=1) == []
    assert position_of(JournalLine) == 2


def test_text_of_any_kind_comes_through_whole(database: Database) -> None:
    text = "tab\tand \\N and \\. and 'quotes' \"both\" {curly,} ☃ %s"
    append(f"company-{COMPANY}", e.CompanyRegistered(text), e.CompanyFunded(Decimal("5.00"), "USD", text))
    append(f"account-{ACCOUNT}", e.FundingAccountOpened(COMPANY, text))
    catch_up("journal", "directory", "balances")
    assert live(Company).get().name == text
    assert {line.reference for line in live(JournalLine)} == {text}
    assert live(Balance).get(entity="account").label == text
    append(f"company-{COMPANY}", e.CompanyRenamed(text[::-1]))
    catch_up("directory")
    assert live(Company).get().name == text[::-1]
