"""The admin shows the log, its consumers and the read models, read-only, at a cost that does not grow with the log."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import BooleanField
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from eventstore import store
from eventstore.browser.read_only import COUNT_LIMIT, ReadOnlyAdmin
from eventstore.clock import utc_now
from eventstore.models import Checkpoint, Event, LagSample, OperatorAction
from eventstore.records import Appended, Context, NewEvent
from ledger.rules.events import (
    AssetRegistered,
    CompanyFunded,
    CompanyRegistered,
    DealActivated,
    DealCompany,
    DealCreated,
    FundingAccountOpened,
    LateFeeIncurred,
    ProductOriginated,
    SystemCycled,
)
from ledger.rules.facts import stream_id
from projectors.browser.read_model_admin import ReadModelAdmin
from projectors.catalog import PROJECTORS
from projectors.models import Balance, FinancialProduct
from projectors.schema.sums import SumField
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database

SELLER, DEBTOR, DEAL, ASSET, PRODUCT, ACCOUNT = (UUID(int=number) for number in range(1, 7))
# Static files are collected when the project is installed for production, not for tests.
pytestmark = pytest.mark.filterwarnings("ignore:No directory at:UserWarning")

CYCLED = "the conversation of the cycle"


def append(
    stream: str, *data: object, actor: str = "alice", correlation_id: str = "c", cause: int | None = None
) -> Appended:
    return store.append([NewEvent(stream, one) for one in data], Context(actor, correlation_id, cause))


def write_log() -> None:
    companies = (DealCompany(SELLER, "seller"), DealCompany(DEBTOR, "debtor"))
    append(stream_id("company", SELLER), CompanyRegistered("<b>Northwind</b> & Söhne"))
    append(stream_id("company", DEBTOR), CompanyRegistered("Buyer"))
    append(stream_id("company", SELLER), CompanyFunded(Decimal("1250.50"), "USD", "Opening deposit"), actor="bob")
    append(stream_id("account", ACCOUNT), FundingAccountOpened(SELLER, "Payroll"))
    append(stream_id("deal", DEAL), DealCreated(1, companies), DealActivated())
    append(stream_id("asset", ASSET), AssetRegistered(Decimal("1000.00"), "USD", SELLER, DEBTOR, "INV-1"))
    append(
        stream_id("product", PRODUCT),
        ProductOriginated(
            DEAL,
            ASSET,
            DEBTOR,
            Decimal("900.00"),
            "USD",
            date(2026, 1, 5),
            Decimal("0.001"),
            "debtor",
            companies,
            "INV-1",
        ),
    )
    cycled = append("system", SystemCycled(date(2026, 1, 6)), actor="daily_cycle", correlation_id=CYCLED).events[0]
    fee = LateFeeIncurred(
        Decimal("1.00"),
        "USD",
        DEBTOR,
        date(2026, 1, 6),
        cycled.recorded_at,
        ASSET,
        Decimal("1000.00"),
        Decimal("0.001"),
        1,
    )
    append(stream_id("product", PRODUCT), fee, actor="late_fees", correlation_id=CYCLED, cause=cycled.position)


def project() -> None:
    log, now = list(store.read_all()), utc_now()
    for projector in PROJECTORS:
        Checkpoint.objects.create(
            name=projector.name,
            kind=Checkpoint.Kind.PROJECTOR,
            position=len(log),
            registered_at=now,
            registered_position=0,
        )
    for event in log:
        for projector in PROJECTORS:
            if event.type in projector.types:
                projector.project([event], 1, "default")


@pytest.fixture
def browser(database: Database) -> Client:
    """Return a superuser's browser on a log with its read models."""
    write_log()
    project()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.org", "a password"))
    return client


def page(browser: Client, name: str, *args: object, **query: str) -> str:
    answer = browser.get(reverse(f"admin:{name}", args=args), query)
    assert answer.status_code == 200, (name, args, query, answer.status_code)
    return str(answer.content.decode())


def positions(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'field-position"><a [^>]*>(\d+)</a>', html)]


def test_every_list_and_every_row_can_be_viewed(browser: Client) -> None:
    now = utc_now()
    OperatorAction.objects.create(consumer="journal", action="skip", position=3, actor="carol", reason="known", at=now)
    LagSample.objects.create(name="journal", minute=now, lag_events=4, lag_seconds=1.5)
    for model in site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if model._meta.app_label in {"eventstore", "projectors"}:
            page(browser, f"{name}_changelist")
            for row in model._default_manager.all():
                page(browser, f"{name}_change", row.pk)
    page(browser, "index")


@pytest.mark.one_database
def test_no_page_has_an_inline_script_or_style(browser: Client) -> None:
    for html in (
        page(browser, "eventstore_event_changelist"),
        page(browser, "eventstore_event_change", 4),
        page(browser, "eventstore_checkpoint_changelist"),
        page(browser, "eventstore_checkpoint_change", "journal"),
    ):
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\son\w+=", html)
        own = html[html.index('<div id="content"') :]
        assert "<style" not in own
        assert " style=" not in own


@pytest.mark.one_database
def test_nothing_can_be_added_changed_or_deleted(browser: Client) -> None:
    before = list(Event.objects.values())
    for model, admin in site._registry.items():
        if model._meta.app_label not in {"eventstore", "projectors"}:
            continue
        assert isinstance(admin, ReadOnlyAdmin)
        assert admin.actions is None
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        answers: list[Any] = [browser.post(reverse(f"{name}_add"), {"name": "x"}), browser.get(reverse(f"{name}_add"))]
        answers.append(
            browser.post(reverse(f"{name}_changelist"), {"action": "delete_selected", "_selected_action": "1"})
        )
        for row in model._default_manager.all()[:1]:
            answers.append(browser.post(reverse(f"{name}_change", args=[row.pk]), {"name": "x"}))
            answers.append(browser.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}))
            answers.append(browser.get(reverse(f"{name}_delete", args=[row.pk])))
        assert {answer.status_code for answer in answers} <= {403, 405}, model
    assert list(Event.objects.values()) == before


@pytest.mark.one_database
def test_a_user_without_permission_is_sent_to_the_login_page_or_refused(browser: Client) -> None:
    stranger: HttpResponse = Client().get(reverse("admin:eventstore_event_changelist"))  # type: ignore[assignment] # the test client's answer
    assert stranger.status_code == 302
    browser.force_login(get_user_model().objects.create_user("clerk", is_staff=True))
    for name in ("eventstore_event_changelist", "eventstore_checkpoint_changelist", "projectors_balance_changelist"):
        assert browser.get(reverse(f"admin:{name}")).status_code == 403


def test_events_are_listed_newest_first_even_if_another_order_is_requested(browser: Client) -> None:
    newest_first = list(range(store.head().position, 0, -1))
    assert positions(page(browser, "eventstore_event_changelist")) == newest_first
    assert positions(page(browser, "eventstore_event_changelist", o="2.1")) == newest_first


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "CompanyRegistered"}, [2, 1]),
        ({"type": "NoSuchType"}, []),
        ({"category": "deal"}, [6, 5]),
        ({"actor": "bob"}, [3]),
        ({"stream_id": f"product-{PRODUCT}"}, [10, 8]),
        ({"correlation_id": CYCLED}, [10, 9]),
        ({"causation": "9"}, [10]),
        ({"causation": "not a number"}, []),
        ({"causation": "99999999999999999999"}, []),
        ({"position__lte": "3"}, [3, 2, 1]),
        ({"category": "company", "actor": "alice"}, [2, 1]),
        ({"q": "4"}, [4]),
        ({"q": str(PRODUCT)}, [10, 8]),
        ({"q": str(PRODUCT).upper()}, [10, 8]),
        ({"q": f"asset-{ASSET}"}, [7]),
        ({"q": CYCLED}, [10, 9]),
        ({"q": "%"}, []),
        ({"q": "99999999999999999999"}, []),
        ({"q": "system"}, [9]),
    ],
)
def test_events_are_found_by(browser: Client, query: dict[str, str], found: list[int]) -> None:
    assert positions(page(browser, "eventstore_event_changelist", **query)) == found


@pytest.mark.one_database
@pytest.mark.parametrize("lookup", ["actor__icontains", "payload__reference", "type__contains", "recorded_at__gte"])
def test_a_lookup_without_an_index_is_refused(browser: Client, lookup: str) -> None:
    assert browser.get(reverse("admin:eventstore_event_changelist"), {lookup: "1"}).status_code == 400


@pytest.mark.one_database
@pytest.mark.parametrize("number", ["999", "x", "0"])
def test_a_page_number_that_does_not_exist_shows_the_first_page(browser: Client, number: str) -> None:
    assert positions(page(browser, "eventstore_event_changelist", p=number))[0] == store.head().position


def test_an_empty_ledger_can_be_viewed(database: Database) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "root@example.org", "a password"))
    assert "0 events" in page(client, "eventstore_event_changelist")
    assert "The log is empty" in page(client, "eventstore_checkpoint_changelist")
    assert "0 journal lines" in page(client, "projectors_journalline_changelist")


@pytest.mark.one_database
def test_the_filters_offer_the_types_and_categories_of_the_code(browser: Client) -> None:
    html = page(browser, "eventstore_event_changelist")
    assert "<option>PayoutReturned</option>" in html
    assert "<option>late_fees</option>" in html


def test_an_event_links_to_its_stream_its_cause_its_effects_and_its_correlation(browser: Client) -> None:
    address = reverse("admin:eventstore_event_changelist")
    fee, cycle = page(browser, "eventstore_event_change", 10), page(browser, "eventstore_event_change", 9)
    assert f'href="{address}?stream_id=product-{PRODUCT}"' in fee
    assert "Previous in stream" in fee
    assert "Next in stream" not in fee
    assert "<h2>Cause</h2>" in fee
    assert f'href="{reverse("admin:eventstore_event_change", args=[9])}"' in fee
    assert f'href="{address}?q={ASSET}"' in fee
    assert f'href="{reverse("admin:eventstore_event_change", args=[10])}"' in cycle
    assert "Same correlation" in cycle


@pytest.mark.one_database
def test_recorded_text_is_escaped_in_html(browser: Client) -> None:
    for html in (page(browser, "eventstore_event_changelist"), page(browser, "eventstore_event_change", 1)):
        assert "<b>Northwind" not in html
        assert "&lt;b&gt;Northwind" in html


@pytest.mark.one_database
def test_a_read_only_page_loads_no_script_for_forms(browser: Client) -> None:
    assert "prepopulate" not in page(browser, "eventstore_event_change", 1)


@pytest.mark.one_database
def test_an_event_that_does_not_exist_leads_to_the_index_which_says_where_the_head_is(browser: Client) -> None:
    for position in ("99999", "99999999999999999999", "x"):
        answer = browser.get(reverse("admin:eventstore_event_change", args=[position]), follow=True)
        assert f"There is no event at {position}; the head is {store.head().position}." in answer.text


@pytest.mark.one_database
def test_consumers_show_state_lag_progress_and_error(browser: Client) -> None:
    now = utc_now()
    Checkpoint.objects.filter(name="journal").update(
        position=4, error_position=5, error_message="KeyError: <x>", error_at=now, error_count=3
    )
    Checkpoint.objects.filter(name="balances").update(paused=True, progress={"after": 7})
    OperatorAction.objects.create(consumer="journal", action="skip", position=3, actor="carol", reason="known", at=now)
    LagSample.objects.create(name="journal", minute=now - timedelta(minutes=1), lag_events=4, lag_seconds=1.5)
    everyone, journal = (
        page(browser, "eventstore_checkpoint_changelist"),
        page(browser, "eventstore_checkpoint_change", "journal"),
    )
    assert "stopped" in everyone
    assert "KeyError: &lt;x&gt;" in everyone
    assert "paused" in everyone
    assert "6 events" in journal
    assert "3 times" in journal
    assert "carol" in journal
    assert '"after"' in page(browser, "eventstore_checkpoint_change", "balances")
    missing = browser.get(reverse("admin:eventstore_checkpoint_change", args=["nobody"]), follow=True)
    assert "There is no consumer nobody." in missing.text


def test_read_models_show_amounts_with_their_currency_and_link_to_the_log(browser: Client) -> None:
    balances = page(browser, "projectors_balance_changelist", entity="company")
    assert "1,250.50 USD" in balances
    assert f'href="{reverse("admin:eventstore_event_change", args=[3])}"' in balances
    assert "900.00 USD" in page(browser, "projectors_financialproduct_changelist", q=str(DEAL))
    assert "company_balances" in page(browser, "projectors_journalline_changelist", position="3")
    assert "1.00 USD" in page(browser, "projectors_dailyactivity_changelist", business_date="2026-01-06")
    assert str(DEAL) in page(browser, "projectors_deal_changelist", q=str(SELLER))
    assert "Payroll" in page(browser, "projectors_balance_changelist", q=str(SELLER))
    assert "1 balance\n" in page(browser, "projectors_balance_changelist", shown="not zero")
    assert "0 companies" in page(browser, "projectors_company_changelist", q="%")


def test_only_rows_of_the_live_generation_are_shown(browser: Client) -> None:
    Balance.objects.create(generation=2, position=1, entity="company", uuid=UUID(int=99), balance=1)
    assert str(UUID(int=99)) not in page(browser, "projectors_balance_changelist")
    Checkpoint.objects.filter(name="balances").update(generation=2)
    shown = page(browser, "projectors_balance_changelist")
    assert str(UUID(int=99)) in shown
    assert "1,250.50 USD" not in shown


def test_a_page_runs_a_bounded_number_of_queries(browser: Client) -> None:
    for number in range(150):
        append("system", SystemCycled(date(2026, 1, 7) + timedelta(days=number)), correlation_id=CYCLED, cause=9)
    for name, args, most in (
        ("eventstore_event_changelist", (), 5),
        ("eventstore_event_change", (9,), 10),
        ("projectors_balance_changelist", (), 6),
    ):
        with CaptureQueriesContext(connection) as asked:
            page(browser, name, *args)
        assert len(asked) <= most, [query["sql"] for query in asked]


LONG_LOG = """
insert into eventstore_event (
  position, stream_id, version, type, schema_version, payload, actor, correlation_id, causation, metadata, recorded_at
)
select n, 'product-00000000-0000-0000-0001-' || {last_part}, 1 + n / 2000,
  case when n % 10 = 0 then 'PaymentApplied' else 'LateFeeIncurred' end, 1, '{{}}',
  'actor ' || (n % 5), 'c' || (n / 10), n - n % 10, '{{}}', {moment}
from ({numbers}) as numbers
"""


def write_long_log(length: int) -> None:
    first = store.head().position + 1
    if connection.vendor == "postgresql":
        numbers = f"select generate_series({first}, {length})::bigint as n"
        last_part, moment = "lpad((n % 2000)::text, 12, '0')", "now()"
    else:
        counted = f"values ({first}) union all select n + 1 from counted where n < {length}"
        numbers = f"with recursive counted(n) as ({counted}) select n from counted"
        last_part, moment = "substr('000000000000' || (n % 2000), -12)", "datetime('now')"
    with unguarded() as cursor:
        cursor.execute(LONG_LOG.format(numbers=numbers, last_part=last_part, moment=moment))
        cursor.execute("analyze eventstore_event")


def plans_of(asked: CaptureQueriesContext) -> list[str]:
    """Return the plan of each query of the log."""
    plans = []
    explain = "explain" if connection.vendor == "postgresql" else "explain query plan"
    for query in asked.captured_queries:
        if 'FROM "eventstore_event"' in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {query['sql']}".replace("%", "%%"), ())
                plans.append(query["sql"] + "\n" + "\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans


def test_a_long_log_is_read_by_its_indexes_and_never_counted(browser: Client) -> None:
    length = 3 * COUNT_LIMIT
    write_long_log(length)
    stream = f"product-00000000-0000-0000-0001-{7:012}"
    for query in (
        {},
        {"p": "200"},
        {"type": "LateFeeIncurred"},
        {"category": "product"},
        {"actor": "actor 3"},
        {"stream_id": stream},
        {"correlation_id": "c700"},
        {"causation": "7000"},
        {"position__lte": "5000"},
        {"q": stream},
        {"q": stream.partition("-")[2]},
        {"q": "7000"},
        {"q": "nothing like it"},
    ):
        with CaptureQueriesContext(connection) as asked:
            page(browser, "eventstore_event_changelist", **query)
        for plan in plans_of(asked):
            assert "Seq Scan on eventstore_event" not in plan, plan
            assert not re.search(r"SCAN eventstore_event", plan), plan
    with CaptureQueriesContext(connection) as asked:
        page(browser, "eventstore_event_change", 7000)
    assert not [plan for plan in plans_of(asked) if "Seq Scan" in plan or "SCAN eventstore_event" in plan]


def test_a_long_list_is_counted_up_to_a_limit_and_can_be_continued(browser: Client) -> None:
    length = 2 * COUNT_LIMIT
    write_long_log(length)
    assert f"{length} events" in page(browser, "eventstore_event_changelist")
    last = page(browser, "eventstore_event_changelist", p=str(length // 100))
    assert positions(last) == list(range(100, 0, -1))
    assert browser.get(reverse("admin:eventstore_event_changelist"), {"p": "999"}).status_code == 302
    part = page(browser, "eventstore_event_changelist", type="LateFeeIncurred")
    assert f"{COUNT_LIMIT} events" in part
    assert f"More than {COUNT_LIMIT} rows match" in part
    following = positions(page(browser, "eventstore_event_changelist", type="LateFeeIncurred", position__lte="9000"))
    assert following[0] == 8999


def test_every_amount_is_shown_as_money_and_a_yes_or_no_is_not(browser: Client) -> None:
    for model, admin in site._registry.items():
        fields = {field.name: field for field in model._meta.concrete_fields}
        if not isinstance(admin, ReadModelAdmin) or "minor_digits" not in fields:
            continue
        amounts = {name for name, field in fields.items() if isinstance(field, SumField)}
        assert amounts <= set(admin.moneys), model
        assert not [name for name in admin.moneys if isinstance(fields[name], BooleanField)], model


@pytest.mark.one_database
def test_rows_lead_to_the_pages_of_books_that_explain_them(browser: Client) -> None:
    product = FinancialProduct.objects.get()
    for name, args, address in (
        ("eventstore_event_change", [10], "/books/log/10"),
        ("eventstore_checkpoint_change", ["journal"], "/books/consumers/journal"),
        ("projectors_financialproduct_change", [product.pk], f"/books/invoices/{PRODUCT}"),
    ):
        assert f'<a href="{address}">Read in Books</a>' in page(browser, name, *args)
    assert 'href="/books/"' in page(browser, "index")
    assert ">Consumers</a>" in page(browser, "index")


@pytest.mark.one_database
def test_filters_stand_before_the_rows_so_that_tab_reaches_them_first(browser: Client) -> None:
    html = page(browser, "eventstore_event_changelist")
    assert html.index('id="changelist-filter"') < html.index('id="result_list"')


@pytest.mark.one_database
def test_a_payload_of_the_list_unfolds_to_the_whole_of_it(browser: Client) -> None:
    html = page(browser, "eventstore_event_changelist")
    assert "<details><summary>amount 1.00, currency USD" in html
    assert "days_overdue" in html


def test_a_product_is_found_by_its_reference(browser: Client) -> None:
    reference = FinancialProduct.objects.get().reference
    assert "1 financial product\n" in page(browser, "projectors_financialproduct_changelist", q=f" {reference} ")
    assert "0 financial products" in page(browser, "projectors_financialproduct_changelist", q=reference[:-1])
