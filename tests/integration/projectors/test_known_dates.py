"""Reports on a past date, as known then and as known now, against a fold of the events by the dates they count for."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest
from django.db.models import Model

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.records import Context, NewEvent
from ledger import as_of
from ledger.currencies import MINOR_DIGITS
from ledger.rules import events as e
from projectors.aging import bucket_of
from projectors.catalog import PROJECTORS
from projectors.customers.projector import Customers
from projectors.customers.rankings import RANKINGS
from projectors.daily_activity import tally
from projectors.events.dates import DatedEvent, dated_since
from projectors.events.payloads import minor
from projectors.explain.aging_by_customer import cut_of, every_customer
from projectors.financial_products import change_of
from projectors.models import (
    CustomerLine,
    CustomerSum,
    DailyActivity,
    DueSum,
    LateActivity,
    LateAging,
    LateOwing,
    LateRecordedFee,
    OwedProduct,
)
from projectors.queries import aging, customers, reports
from projectors.queries.aging import AgingLine
from projectors.queries.customer_sums import Moment, Which, customer_sums, moment
from projectors.queries.live import live
from projectors.queries.reports import BUCKETS
from projectors.verification.differences import Difference
from projectors.verification.verify import verify
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record

Buckets = dict[tuple[str, str], tuple[int, int, int]]


def everything() -> list[DatedEvent]:
    return list(dated_since(None, list(store.read_all())))


def cycles() -> list[tuple[date, int]]:
    return [(event.data.new_date, event.position) for event in store.read_all(types=["SystemCycled"])]


def owed_before(day: date, events: Iterable[DatedEvent]) -> Buckets:
    """Return what the events that count for earlier dates say that was owed as a date began."""
    owed: dict[str, tuple[str, date, int, int]] = {}
    for event, payload, _, business_date in events:
        if business_date is not None and business_date >= day.isoformat():
            continue
        if event.type == "ProductOriginated":
            due = date.fromisoformat(payload["due_date"])
            owed[event.stream_id] = (payload["currency"], due, minor(payload["principal"]), 0)
        elif event.type in Customers.types and event.type != "SystemCycled":
            change = change_of(event.type, payload)
            currency, due, principal, fees = owed[event.stream_id]
            principal, fees = principal + change["principal_outstanding"], fees + change["fees_outstanding"]
            owed[event.stream_id] = (currency, due, principal, fees)
    buckets: Buckets = {}
    for currency, due, principal, fees in owed.values():
        if principal or fees:
            key = (currency, bucket_of(due, day))
            before = buckets.get(key, (0, 0, 0))
            buckets[key] = (before[0] + principal, before[1] + fees, before[2] + 1)
    return buckets


def shown(lines: list[AgingLine]) -> Buckets:
    return {(line.currency, line.bucket): (line.principal, line.fees, line.products) for line in lines}


def of_customers(day: date, head: int, known: str) -> dict[tuple[str, str], int]:
    """Return what all customers owed together by currency and bucket, in minor units."""
    found: dict[tuple[str, str], int] = {}
    for row in every_customer(day, cut_of(day, head, known_then=known == "then")):
        currency, buckets = row.standing.currency, row.buckets
        assert buckets is not None
        assert sum(buckets) == row.standing.owed
        assert (
            sum(owed for name, owed in zip(BUCKETS, buckets, strict=True) if name != "current") == row.standing.overdue
        )
        for name, owed in zip(BUCKETS, buckets, strict=True):
            units = int(owed.scaleb(MINOR_DIGITS[currency]))
            found[currency, name] = found.get((currency, name), 0) + units
    return {key: units for key, units in found.items() if units}


@pytest.mark.parametrize("seed", [33, 34, 35, 63])
def test_aging_as_known_now_counts_each_fee_for_its_own_date(database: Database, seed: int) -> None:
    record(History(seed, 250, fees_late=True).appends)
    catch_up("aging", "customers", "journal", "directory")
    events, head = everything(), store.head().position
    for day, began in cycles():
        then = [event for event in events if event.event.position < began]
        assert shown(aging.as_known_then(day)) == owed_before(day, then)
        assert shown(aging.as_known_now(day)) == owed_before(day, events)
        for known, recorded in (("then", then), ("now", events)):
            wanted = {key: principal + fees for key, (principal, fees, _) in owed_before(day, recorded).items()}
            assert of_customers(day, head, known) == wanted, (day, known)
        for up_to in range(began, head, 11):
            recorded = [event for event in events if event.event.position <= up_to]
            assert shown(aging.as_known_now(day, up_to)) == owed_before(day, recorded)


def append(stream: str, *events: object) -> int:
    return store.append([NewEvent(stream, event) for event in events], Context("tester", "a test")).position


def test_a_product_settled_before_its_fee_was_recorded_owes_it_on_the_dates_between(database: Database) -> None:
    days = [date(2024, 3, number) for number in range(1, 6)]
    asset, company, deal = (UUID(int=number) for number in (1, 2, 3))
    whole, rate, roles = Decimal("100.00"), Decimal("0.001"), (e.DealCompany(UUID(int=2), "debtor"),)
    stream = f"product-{UUID(int=4)}"
    append("system", e.SystemCycled(days[0]))
    append(stream, e.ProductOriginated(deal, asset, company, whole, "USD", days[0], rate, "debtor", roles, "invoice"))
    append("system", e.SystemCycled(days[1]))
    append(stream, e.PaymentApplied(whole, whole, Decimal("0.00"), "USD", "paid on the second"))
    for day in days[2:4]:
        append("system", e.SystemCycled(day))
    at = store.head().recorded_at
    assert at is not None
    fee = e.LateFeeIncurred(Decimal("0.10"), "USD", company, days[1], at, asset, whole, rate, 1)
    charged = append(stream, fee)
    append("system", e.SystemCycled(days[4]))
    catch_up("aging", "customers")
    then = [shown(aging.as_known_then(day)) for day in days]
    now = [shown(aging.as_known_now(day)) for day in days]
    owing = {("USD", "1-30"): (0, 10, 1)}
    assert then == [{}, {("USD", "1-30"): (10_000, 0, 1)}, {}, {}, owing]
    assert now == [{}, {("USD", "1-30"): (10_000, 0, 1)}, owing, owing, owing]
    assert [shown(aging.as_known_now(day, charged - 1)) for day in days[:4]] == then[:4]


def test_a_late_fee_is_counted_once_on_each_date_on_which_its_product_was_settled(database: Database) -> None:
    days = [date(2024, 3, number) for number in range(1, 13)]
    asset, company, deal, product = (UUID(int=number) for number in (1, 2, 3, 4))
    whole, nothing, rate = Decimal("100.00"), Decimal("0.00"), Decimal("0.001")
    roles = (e.DealCompany(company, "debtor"),)
    stream = f"product-{product}"
    at = datetime(2024, 3, 1, tzinfo=UTC)

    def fee(on: date) -> e.LateFeeIncurred:
        return e.LateFeeIncurred(Decimal("0.10"), "USD", company, on, at, asset, whole, rate, 1)

    def paid() -> int:
        return append(stream, e.PaymentApplied(whole, whole, nothing, "USD", "paid"))

    def bounced(payment: int) -> None:
        append(stream, e.PaymentReversed(payment, whole, whole, nothing, "USD", "bounced"))

    originated = e.ProductOriginated(deal, asset, company, whole, "USD", days[0], rate, "debtor", roles, "invoice")
    fees = [fee(day) for day in days]
    payments: list[int] = []
    acts: dict[int, Callable[[], object]] = {
        0: lambda: append(stream, originated),
        2: lambda: payments.append(paid()),  # settled from the third date ...
        4: lambda: bounced(payments[0]),  # ... to the fifth
        5: lambda: payments.append(paid()),
        7: lambda: append(stream, fees[6]),  # settled, and charged for the seventh date only
        8: lambda: append(stream, e.LateFeeWaived(Decimal("0.10"), "USD", "a gift")),
        10: lambda: append(stream, fees[1], fees[3]),  # owing is brought back to the dates of each settled period
    }
    for number, day in enumerate(days):
        append("system", e.SystemCycled(day))
        acts.get(number, int)()
    catch_up(*(projector.name for projector in PROJECTORS))
    events, head = everything(), store.head().position
    for day, began in cycles():
        assert shown(aging.as_known_now(day)) == owed_before(day, events), day
        for up_to in range(began, head + 1):
            recorded = [event for event in events if event.event.position <= up_to]
            assert shown(aging.as_known_now(day, up_to)) == owed_before(day, recorded), (day, up_to)
        counting = [one for one in events if one.business_date is None or one.business_date <= day.isoformat()]
        assert customer_sums_at(moment(head, day)) == owed_by_customers(counting, day), day
    verify(lambda _done, _total: None)
    first = live(LateOwing).order_by("id")[0]
    live(LateOwing).filter(pk=first.pk).update(after_date=days[0])
    with pytest.raises(Difference, match="late owing"):
        verify(lambda _done, _total: None)


Sums = dict[tuple[UUID, str], tuple[int, ...]]


def owed_by_customers(events: Iterable[DatedEvent], day: date | None) -> Sums:
    """Return what the events say of each customer; overdue is what was due before the day."""
    terms: dict[str, tuple[UUID, str, bool]] = {}
    of_products: dict[str, dict[str, int]] = {}
    for event, payload, _, _ in events:
        if event.type == "ProductOriginated":
            overdue = day is not None and payload["due_date"] < day.isoformat()
            terms[event.stream_id] = (UUID(payload["obligor_company_uuid"]), payload["currency"], overdue)
            figures = dict.fromkeys(change_of("LateFeeWaived", {"amount": "0"}), 0)
            of_products[event.stream_id] = {**figures, "principal_outstanding": minor(payload["principal"])}
        elif event.stream_id in terms and event.type in Customers.types:
            for name, change in change_of(event.type, payload).items():
                of_products[event.stream_id][name] += change
    sums: Sums = {}
    for stream, figures in of_products.items():
        company, currency, overdue = terms[stream]
        owed = figures["principal_outstanding"] + figures["fees_outstanding"]
        added = (
            *(int(owed > 0), int(overdue and owed > 0), figures["fees_outstanding"], owed, owed if overdue else 0),
            *(figures[name] for name in ("fees_incurred", "fees_paid", "fees_waived")),
        )
        before = sums.get((company, currency), (0,) * len(added))
        sums[company, currency] = tuple(map(sum, zip(before, added, strict=True)))
    return sums


def customer_sums_at(at: Moment) -> Sums:
    return {(row.company_uuid, row.currency): tuple(row[3:-1]) for row in customer_sums(at)}


@pytest.mark.parametrize("seed", [33, 34, 63])
def test_customers_as_known_now_count_each_fee_for_its_own_date(database: Database, seed: int) -> None:
    record(History(seed, 250, fees_late=True).appends)
    catch_up("customers")
    events, head = everything(), store.head().position
    assert {(row.company_uuid, row.currency) for row in live(CustomerSum)} == customer_sums_at(moment(head)).keys()
    differing = 0
    for day, began in cycles():
        ended = as_of.position_as_of(day, head)
        then = customer_sums_at(moment(ended))
        assert then == owed_by_customers((one for one in events if one.event.position <= ended), day)
        counting = [one for one in events if one.business_date is None or one.business_date <= day.isoformat()]
        now = customer_sums_at(moment(head, day))
        assert now == owed_by_customers(counting, day)
        differing += then != now
        for up_to in range(began, head, 23):
            recorded = [one for one in counting if one.event.position <= up_to]
            assert customer_sums_at(moment(up_to, day)) == owed_by_customers(recorded, day)
    assert differing
    for position in range(1, head, 17):
        begun = [day for day, began in cycles() if began <= position]
        recorded = [one for one in events if one.event.position <= position]
        assert customer_sums_at(moment(position)) == owed_by_customers(recorded, begun[-1] if begun else None)


def test_without_late_fees_a_date_is_known_now_as_it_was_known_then(database: Database) -> None:
    record(History(38, 200).appends)
    catch_up("aging", "customers", "daily_activity", "late_activity")
    for day, _ in cycles():
        assert aging.as_known_now(day) == aging.as_known_then(day)
    rows = list(reports.daily_activity())
    assert [row.events for row in reports.known_then(rows)] == [row.events for row in reports.daily_activity()]


@pytest.mark.parametrize("seed", [33, 34])
def test_activity_as_known_then_has_what_was_recorded_when_the_date_ended(database: Database, seed: int) -> None:
    record(History(seed, 250, fees_late=True).appends)
    catch_up("daily_activity", "late_activity")
    events, head = everything(), store.head().position
    assert live(LateActivity).exists()
    for day, _ in cycles():
        ended = as_of.position_as_of(day, head)
        known = tally(event for event in events if event.event.position <= ended)
        expected = {currency: counted for (on, currency), counted in known.items() if on == day.isoformat()}
        rows = reports.known_then(list(live(DailyActivity).filter(business_date=day)))
        assert {row.currency: row.events for row in rows} == {key: value.events for key, value in expected.items()}
        assert {row.currency: row.fees_assessed for row in rows} == {
            key: value.sums["fees_assessed"] for key, value in expected.items()
        }


def test_the_sums_of_a_customer_follow_its_products_and_the_dates(database: Database) -> None:
    appends = History(33, 250, fees_late=True).appends
    for start in range(0, len(appends), 40):
        record(appends[start : start + 40])
        catch_up("customers")
        _assert_sums_of_products()


def _assert_sums_of_products() -> None:
    cycled = as_of.last_cycled()
    today = date.min if cycled is None else cycled.data.new_date
    products = list(live(OwedProduct))
    for row in live(CustomerSum):
        own = [one for one in products if (one.company_uuid, one.currency) == (row.company_uuid, row.currency)]
        overdue = [one for one in own if one.due_date < today]
        assert row.owed == row.principal + row.fees == sum(one.principal + one.fees for one in own)
        assert row.overdue == sum(one.principal + one.fees for one in overdue)
        assert (row.products, row.overdue_products) == (sum(p.owes for p in own), sum(p.owes for p in overdue))
        assert row.fees_incurred >= row.fees_paid + row.fees_waived


FIGURES: Final[tuple[tuple[type[Model], str], ...]] = (
    (OwedProduct, "fees"),
    (OwedProduct, "principal"),
    (OwedProduct, "owed"),
    (DueSum, "owing"),
    (DueSum, "owed"),
    (CustomerSum, "owed"),
    (CustomerSum, "overdue_products"),
    (CustomerSum, "fees_paid"),
    (CustomerLine, "change"),
    (CustomerLine, "overdue"),
    (CustomerLine, "fees_incurred"),
    (LateRecordedFee, "amount"),
    (LateAging, "fees"),
    (LateAging, "products"),
    (LateAging, "first_position"),
    (LateActivity, "fees_assessed"),
)


def test_verification_finds_a_changed_figure(database: Database) -> None:
    record(History(33, 250, fees_late=True).appends)
    catch_up(*(projector.name for projector in PROJECTORS))
    not_found = []
    for model, column in FIGURES:
        row = model._default_manager.order_by("-id")[0]
        figure = getattr(row, column)
        setattr(row, column, figure + 1)
        row.save()
        if all_figures_are_right():
            not_found.append((model, column))
        setattr(row, column, figure)
        row.save()
    assert not_found == []
    assert all_figures_are_right()


def all_figures_are_right() -> bool:
    try:
        verify(lambda _done, _total: None)
    except Difference:
        return False
    return True


def test_customers_are_ranked_by_any_sum(database: Database) -> None:
    record(History(33, 250).appends)
    catch_up("customers")
    rows = list(live(CustomerSum))
    for by in RANKINGS:
        found = [getattr(row, by) for row in customers.ranked(by, "USD")]
        assert found == sorted((getattr(row, by) for row in rows if row.currency == "USD"), reverse=True)
    assert {(row.company_uuid, row.currency) for row in customer_sums(Moment(2**63 - 1), Which(currency="USD"))} == {
        (row.company_uuid, row.currency) for row in rows if row.currency == "USD"
    }
