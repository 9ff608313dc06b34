"""verify_ledger finds a wrong figure, and finds nothing if nothing is wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Model

from eventstore import store
from eventstore.consumers import operator_actions
from eventstore.consumers.definitions import Projector
from eventstore.consumers.loop import catch_up
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.registry import consumers
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent, RecordedEvent
from ledger.rules import events as e
from projectors.catalog import PROJECTORS
from projectors.models import (
    AgingBucket,
    Balance,
    Company,
    DailyActivity,
    Deal,
    DealCompany,
    FinancialProduct,
    JournalLine,
    SearchWord,
)
from projectors.verification import verify as verification
from projectors.verification.differences import Difference
from projectors.verification.verify import verify
from tests.support.consumers.moving import connected_to_url
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record
from tests.support.processes import RunManage

COMPANY, ASSET, ACCOUNT, DEAL, PRODUCT, GRANT = (UUID(int=number) for number in range(1, 7))
ROLES = (e.DealCompany(COMPANY, "debtor"),)


@contextmanager
def taking_no_changes(database: Database) -> Iterator[None]:
    """Let Django connect to a database that can only be read."""
    if connection.vendor == "sqlite":
        with connected_to_url(f"{database.url}?mode=ro"):
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        yield
        cursor.execute("RESET default_transaction_read_only")


def found() -> Difference:
    with pytest.raises(Difference) as difference:
        verify(lambda _done, _total: None)
    return difference.value


def small_ledger() -> None:
    """Record one of each, so that a row of every table is there to be tampered with."""
    usd = "USD"
    rate, principal = Decimal("0.001"), Decimal("100.00")
    steps: list[tuple[str, object]] = [
        (f"company-{COMPANY}", e.CompanyRegistered("one")),
        (f"company-{COMPANY}", e.CompanyFunded(Decimal("50.00"), usd, "capital")),
        (f"asset-{ASSET}", e.AssetRegistered(principal, usd, COMPANY, COMPANY, "invoice")),
        (f"account-{ACCOUNT}", e.FundingAccountOpened(COMPANY, "main")),
        (f"account-{ACCOUNT}", e.FundingAccountActivated()),
        (f"deal-{DEAL}", e.DealCreated(1, ROLES)),
        (f"deal-{DEAL}", e.DealActivated()),
        (
            f"product-{PRODUCT}",
            e.ProductOriginated(
                DEAL, ASSET, COMPANY, principal, usd, date(2024, 2, 1), rate, "debtor", ROLES, "a product"
            ),
        ),
        ("system", e.SystemCycled(date(2024, 3, 1))),
        (f"grant-{GRANT}", e.BalancesGranted(Decimal("20.00"), usd, "a grant", (), ())),
        (f"company-{COMPANY}", e.FundsDebited(Decimal("20.00"), usd, GRANT)),
        (f"account-{ACCOUNT}", e.FundsCredited(Decimal("20.00"), usd, GRANT)),
    ]
    store.append([NewEvent(stream, event) for stream, event in steps], Context("tester", "a test"))
    catch_up(*consumers.projectors)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_read_models_that_lived_through_a_history_are_what_its_streams_fold_to(database: Database, seed: int) -> None:
    record(History(seed, 250).appends)
    catch_up(*consumers.projectors)
    reports: list[tuple[int, int]] = []
    compared = verify(lambda done, total: reports.append((done, total))).lines
    head = store.head().position
    assert [line.partition(":")[0] for line in compared[:-1]] == [*consumers.projectors]
    assert all(f"at {head:,} of {head:,}" in line for line in compared[:-1])
    assert reports[-1] == (2 * head, 2 * head)


def test_each_read_model_is_compared_at_its_own_position(database: Database) -> None:
    record(History(14, 150).appends)
    for turn, group in enumerate(consumers.groups()):
        for projection in projector_runners(group.names[:1], batch_size=10):
            for _ in range(3 * turn + 1):
                projection.step()
    positions = dict(Checkpoint.objects.values_list("name", "position"))
    assert len(set(positions.values())) > 3
    assert verify(lambda _done, _total: None)


def test_a_product_due_on_the_last_possible_date_never_ages(database: Database) -> None:
    small_ledger()
    rate, principal = Decimal("0.001"), Decimal("100.00")
    never = e.ProductOriginated(DEAL, None, COMPANY, principal, "USD", date.max, rate, "debtor", ROLES, "no due date")
    context = Context("tester", "a test")
    store.append([NewEvent(f"product-{UUID(int=7)}", never)], context)
    store.append([NewEvent("system", e.SystemCycled(date(2024, 3, 2)))], context)
    catch_up(*consumers.projectors)
    assert verify(lambda _done, _total: None)
    assert AgingBucket.objects.filter(business_date=date(2024, 3, 2), bucket="current", products=1).exists()


def test_a_position_in_the_middle_of_a_grant_leaves_its_money_in_transit(database: Database) -> None:
    small_ledger()
    journal = consumers.projectors["journal"]
    for table in journal.tables:
        table._default_manager.all().delete()
    journal.project([one for one in store.read_all() if one.position <= 11 and one.type in journal.types], 1, "default")
    Checkpoint.objects.filter(name="journal").update(position=11)
    assert verify(lambda _done, _total: None)


def test_read_models_that_never_ran_are_empty_at_position_0(database: Database) -> None:
    record(History(15, 20).appends)
    assert verify(lambda _done, _total: None).lines[0] == f"directory: 0 rows at 0 of {store.head().position}"


@pytest.mark.parametrize(
    ("model", "where", "change", "message"),
    [
        (
            Balance,
            {"entity": "company"},
            {"balance": 3_001},
            f"balances: company_balances of company {COMPANY}: 30.00 USD by the events, 30.01 USD in the read model",
        ),
        (
            Balance,
            {"entity": "account"},
            {"status": "closed"},
            f"balances: status of account {ACCOUNT}: active by the events, closed in the read model",
        ),
        (
            FinancialProduct,
            {},
            {"principal_outstanding": 9_999},
            (
                f"financial_products: principal_receivable of product {PRODUCT}:"
                " 100.00 USD by the events, 99.99 USD in the read model"
            ),
        ),
        (
            FinancialProduct,
            {},
            {"principal_zero_position": 9},
            (
                f"financial_products: principal_zero_position of product {PRODUCT}:"
                " None by the events, 9 in the read model"
            ),
        ),
        (
            Company,
            {},
            {"name": "two"},
            f"directory: name of company {COMPANY}: one by the events, two in the read model",
        ),
        (
            Deal,
            {},
            {"status": "deleted"},
            f"directory: status of deal {DEAL}: active by the events, deleted in the read model",
        ),
        (
            DealCompany,
            {},
            {"role": "seller"},
            (
                f"directory: companies and roles of deal {DEAL}:"
                f" {COMPANY} as debtor by the events, {COMPANY} as seller in the read model"
            ),
        ),
        (
            JournalLine,
            {"position": 2, "line": 2},
            {"credit": 4_999},
            (
                f"journal line 2.2: company_balances of company {COMPANY}:"
                f" credit 50.00 USD by the events,"
                f" credit 49.99 USD on company_balances company {COMPANY} in the read model"
            ),
        ),
        (
            JournalLine,
            {"position": 8, "line": 1},
            {"account": "fees_receivable"},
            (
                f"journal line 8.1: principal_receivable of product {PRODUCT}: debit 100.00 USD by the events,"
                f" debit 100.00 USD on fees_receivable product {PRODUCT} in the read model"
            ),
        ),
        (
            AgingBucket,
            {},
            {"principal": 1},
            (
                "aging: principal of business date 2024-03-01 USD 1-30:"
                " 100.00 USD by the events, 0.01 USD in the read model"
            ),
        ),
        (
            AgingBucket,
            {},
            {"bucket": "31-60"},
            "aging: products of business date 2024-03-01 USD 1-30: 1 by the events, nothing in the read model",
        ),
        (
            DailyActivity,
            {"currency": "USD", "business_date": None},
            {"paid_in": 0},
            "daily_activity: paid_in of business date None USD: 50.00 USD by the events, 0.00 USD in the read model",
        ),
        (
            DailyActivity,
            {"currency": "", "business_date": "2024-03-01"},
            {"events": {"SystemCycled": 2}},
            (
                "daily_activity: events of business date 2024-03-01:"
                " {'SystemCycled': 1} by the events, {'SystemCycled': 2} in the read model"
            ),
        ),
        (
            SearchWord,
            {"word": "one", "kind": "company"},
            {"word": "buyer"},
            "search: words of company 00000000-0000-0000-0000-000000000001: one by the events, buyer in the read model",
        ),
    ],
)
def test_a_changed_row_is_named_with_account_party_and_both_figures(
    database: Database, model: type[Model], where: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    small_ledger()
    assert model._default_manager.filter(**where).update(**change) == 1
    assert str(found()) == message


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Balance, {"uuid": UUID(int=99)}),
        (FinancialProduct, {"product_uuid": UUID(int=99)}),
        (Company, {"company_uuid": UUID(int=99)}),
        (Deal, {"deal_uuid": UUID(int=99)}),
        (DealCompany, {"deal_uuid": UUID(int=99)}),
        (DealCompany, {"role": "seller"}),
        (JournalLine, {"line": 7}),
        (JournalLine, {"position": 1}),
        (JournalLine, {"position": 1_000}),
        (AgingBucket, {"currency": "EUR"}),
        (DailyActivity, {"currency": "EUR"}),
        (SearchWord, {"word": "more"}),
    ],
)
def test_a_lost_row_and_one_too_many_are_found(database: Database, model: type[Model], change: dict[str, Any]) -> None:
    small_ledger()
    assert verify(lambda _done, _total: None)
    row = model._default_manager.order_by("-id")[0]
    extra = model._default_manager.get(pk=row.pk)
    row.delete()
    found()
    extra.pk = None
    extra.save()
    assert verify(lambda _done, _total: None)
    extra.pk = None
    for field, value in change.items():
        setattr(extra, field, value)
    extra.save()
    found()


def test_one_line_on_standard_error_and_status_1_say_what_differs(database: Database, run_manage: RunManage) -> None:
    small_ledger()
    passed = run_manage("verify_ledger")
    assert "the trial balance is zero" in passed.stdout
    Balance.objects.filter(entity="company").update(balance=0)
    failed = run_manage("verify_ledger", check=False)
    assert failed.returncode == 1
    assert f"company_balances of company {COMPANY}: 30.00 USD by the events, 0.00 USD" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_read_model_that_is_not_at_the_head_is_warned_of(database: Database, run_manage: RunManage) -> None:
    small_ledger()
    last = store.append([NewEvent("system", e.SystemCycled(date(2024, 3, 9)))], Context("tester", "a test")).position
    catch_up("journal")
    operator_actions.pause("customers", actor="anna")
    warnings = verify(lambda _done, _total: None).warnings
    unverified = f"at {last - 1} of {last} and not verified beyond that"
    assert f"aging is {unverified}: manage.py run_projector aging --once brings it there" in warnings
    assert any(warning.startswith(f"customers is {unverified}: it is paused by anna, since") for warning in warnings)
    assert not any(warning.startswith("journal") for warning in warnings)
    with taking_no_changes(database):
        warnings = verify(lambda _done, _total: None).warnings
    assert (
        f"aging is {unverified}: manage.py run_projector aging --once brings it there, on the ledger itself" in warnings
    )
    assert any(warning.endswith("resume customers, on the ledger itself") for warning in warnings)
    done = run_manage("verify_ledger")
    assert f"warning: aging is at {last - 1} of {last}" in done.stderr


def test_a_projector_without_a_check_is_not_verified(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    small_ledger()
    monkeypatch.setattr(verification, "PROJECTORS", (*PROJECTORS, Unchecked()))
    report = verify(lambda _done, _total: None)
    assert "unchecked: not verified" in report.lines
    assert any(warning.startswith("unchecked is not verified") for warning in report.warnings)


class Unchecked(Projector):
    """Keeps nothing."""

    name = "unchecked"
    types = ()
    tables = ()

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Do nothing."""
