"""The page, the API and the command show the same explanation."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger.rules.commands import FundCompany, RegisterCompany
from tests.integration.books.conftest import Reader
from tests.support.api.calling import Api, new_token, problem
from tests.support.databases import Database
from tests.support.ledger.book import Book, Product
from tests.support.ledger.paid_late import DUE
from tests.support.ledger.portfolio import do, new_account, new_asset, new_company

pytestmark = pytest.mark.one_database


def explained(*arguments: str, **options: object) -> str:
    out = StringIO()
    call_command("explain", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def api(invoice: Product) -> Api:
    return Api(new_token("robot", ()))


def answered(api: Api, path: str) -> Any:
    response = api.get(path)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize(
    "moment",
    [{}, {"as_of": str(DUE + timedelta(days=2))}, {"as_of": str(DUE + timedelta(days=2)), "known": "then"}],
    ids=["now", "a date as known now", "a date as known then"],
)
@pytest.mark.parametrize("order", ["counts", "recorded"])
def test_all_three_show_the_same_figures(
    reader: Reader, api: Api, invoice: Product, moment: dict[str, str], order: str
) -> None:
    query = "&".join(f"{name}={value}" for name, value in (moment | {"order": order}).items())
    data = answered(api, f"/api/products/{invoice.uuid}/explanation?{query}")
    assert json.loads(explained("a product", order=order, json=True, **moment)) == data
    page = reader.text(f"/books/invoices/{invoice.uuid}", order=order, **moment)
    text = explained(str(invoice.uuid), order=order, **moment)
    assert data["sentence"] in page
    assert data["sentence"] in text
    assert f"<b>{data['total']} USD</b>" in page
    assert f"= {data['total']} USD owed" in text
    for row in data["rows"]:
        line = next(line for line in text.splitlines() if f" {row['position']}  " in line)
        for figure in (row["change"], *row["after"], row["total"], row["counts_for"], row["booked"]):
            assert figure in page
            assert figure in line
        assert row["why"] in line
        assert row["actor"] in line
    for way in data["proof"]["ways"]:
        assert f"  {way['name']}: {way['amount'] or way['note']}\n" in text


def test_the_answer_has_the_terms_the_rows_and_the_proof(api: Api, invoice: Product) -> None:
    data = answered(api, f"/api/products/{invoice.uuid}/explanation")
    assert (data["reference"], data["status"], data["figure"], data["total"]) == ("a product", "open", "owed", "0.12")
    assert sum(Decimal(term["amount"]) * (1 if term["adds"] else -1) for term in data["terms"]) == Decimal("0.12")
    assert [row["total"] for row in data["rows"]] == ["45.00", "45.04", "45.08", "45.12", "0.12"]
    assert data["parts"] == ["principal", "fees"]
    assert data["rows"][1]["after"] == ["45.00", "0.04"]
    assert [way["amount"] for way in data["proof"]["ways"]] == ["0.12"] * 3
    assert data["proof"]["agrees"]
    assert data["position"] == store.head().position


def test_a_known_position_answers_the_same_after_more_is_recorded(api: Api, invoice: Product) -> None:
    on, before = DUE + timedelta(days=2), store.head().position - 2
    path = f"/api/products/{invoice.uuid}/explanation?as_of={on}&known={before}"
    first = api.get(path)
    assert first["Ledger-Position"] == str(before)
    assert first.json()["total"] == "45.08"
    new_company("1.00")
    assert api.get(path).json() == first.json()


def test_balances_are_explained_in_the_same_three_ways(reader: Reader, api: Api) -> None:
    company = new_company("300.00")
    do(FundCompany(company, Decimal("50.00"), "more", "USD"))
    for category, plural, uuid in (
        ("company", "companies", company),
        ("account", "accounts", new_account(company)),
        ("asset", "assets", new_asset(balance="70.00")),
    ):
        data = answered(api, f"/api/{plural}/{uuid}/explanation")
        assert json.loads(explained(f"{category}-{uuid}", json=True)) == data
        assert data["sentence"] in explained(str(uuid))
        assert not data["rows"] or data["sentence"] in reader.text(f"/books/balances/{category}/{uuid}")
    data = answered(api, f"/api/companies/{company}/explanation")
    assert data["sentence"] == "Its balance is 350.00 USD because 350.00 was received in two events."
    assert [(row["change"], row["total"]) for row in data["rows"]] == [("300.00", "300.00"), ("50.00", "350.00")]


def test_a_line_of_the_trial_balance_is_explained_in_the_same_three_ways(
    reader: Reader, api: Api, invoice: Product
) -> None:
    on = DUE + timedelta(days=2)
    for asked in ({}, {"from": str(on)}, {"party": str(invoice.uuid), "as_of": str(on), "known": "now"}):
        query = "&".join(f"{name}={value}" for name, value in asked.items()).replace("party=", "party_uuid=")
        data = answered(api, f"/api/trial-balance/fees_receivable/USD/explanation?{query}")
        options = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
        assert json.loads(explained("fees_receivable/USD", *options, "--json")) == data
        page, text = (
            reader.text("/books/trial-balance/fees_receivable/USD", **asked),
            explained("fees_receivable/USD", *options),
        )
        assert data["sentence"] in page
        assert data["sentence"] in text
        assert f"= {data['total']} USD debits less credits" in text
        assert sum(Decimal(term["amount"]) * (1 if term["adds"] else -1) for term in data["terms"]) == Decimal(
            data["total"]
        )
        for group in (*data["by_event"], *data["by_party"]):
            assert group["net"] in page
            assert [line for line in text.splitlines() if group["net"] in line and group["name"] in line]
        for way in data["proof"]["ways"]:
            assert f"  {way['name']}: {way['amount'] or way['note']}\n" in text
    path = "/api/trial-balance/fees_receivable"
    problem(api.get(f"{path}/EUR/explanation"), 404, "not-found")
    problem(api.get("/api/trial-balance/cash/USD/explanation"), 404, "not-found")
    refused = problem(api.get(f"{path}/USD/explanation?from=2012-03-14&to=2012-03-13"), 422, "invalid-input")
    assert [fault["pointer"] for fault in refused["errors"]] == ["/from"]
    for arguments, reason in (
        (["fees_receivable/EUR"], "fees_receivable has no line in EUR as of position"),
        (["fees_receivable/USD", "--from=2012-03-14", "--to=2012-03-13"], "--from 2012-03-14 is after --to 2012-03-13"),
        (["a product", "--from=2012-03-14"], "--from: only for a line of the trial balance"),
    ):
        with pytest.raises(CommandError, match=reason):
            explained(*arguments)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("as_of=yesterday", "/as_of"),
        ("known=then", "/known"),
        ("known=perhaps&as_of=1", "/known"),
        ("order=name", "/order"),
        ("more=1", "/more"),
    ],
)
def test_the_api_refuses_what_cannot_be_with_its_place(api: Api, invoice: Product, query: str, pointer: str) -> None:
    refused = problem(api.get(f"/api/products/{invoice.uuid}/explanation?{query}"), 422, "invalid-input")
    assert [fault["pointer"] for fault in refused["errors"]] == [pointer]


def test_the_api_refuses_moments_and_products_that_are_not_there_as_its_other_queries_do(
    api: Api, invoice: Product
) -> None:
    path = f"/api/products/{invoice.uuid}/explanation"
    problem(api.get(f"{path}?as_of=99999"), 422, "position-beyond-head")
    problem(api.get(f"{path}?as_of=2030-01-01"), 422, "date-not-cycled")
    problem(api.get(f"{path}?as_of=1"), 404, "not-found")
    problem(api.get(f"/api/products/{uuid4()}/explanation"), 404, "not-found")
    problem(api.get("/api/products/x/explanation"), 404, "not-found")
    problem(Api(None).get(path), 401, "unauthenticated")


def test_the_command_refuses_with_one_clear_error(api: Api, invoice: Product) -> None:
    uuid = uuid4()
    for reference, options, reason in (
        ("no such thing", {}, "no product has this reference, and no company this name"),
        (str(uuid), {}, "no product, company, asset or account has this uuid"),
        ("a product", {"as_of": "yesterday"}, "it must be a date such as 2026-01-31, or a position"),
        ("a product", {"as_of": "2012-02-30"}, "There is no date 2012-02-30."),
        ("a product", {"as_of": "99999"}, "There is no position 99999"),
        ("a product", {"as_of": "1"}, "as of position 1"),
    ):
        with pytest.raises(CommandError, match=reason):
            explained(reference, **options)


def test_a_text_that_names_several_is_refused_with_their_streams(api: Api, invoice: Product) -> None:
    other = Book(count(100)).invoice(DUE)
    catch_up()
    with pytest.raises(CommandError) as refused:
        explained("a product")
    assert f"product-{invoice.uuid}" in str(refused.value)
    assert f"product-{other.uuid}" in str(refused.value)
    do(RegisterCompany(invoice.uuid, "Same"))
    with pytest.raises(CommandError, match=f"company-{invoice.uuid}"):
        explained(str(invoice.uuid))
    assert "Its balance is zero" in explained(f"company-{invoice.uuid}")


def test_a_company_is_named_by_its_whole_name(database: Database) -> None:
    do(RegisterCompany(uuid4(), "Alder Stores"))
    catch_up()
    assert "Company Alder Stores" in explained("Alder  Stores")
    for other in ("Alder", "alder stores", "product", "product-7"):
        with pytest.raises(CommandError, match="there is no"):
            explained(other)


def test_a_reference_that_the_read_models_may_not_have_yet_says_so(database: Database) -> None:
    do(RegisterCompany(uuid4(), "Alder Stores"))
    with pytest.raises(CommandError, match="the read models that were searched are at 0 of 1"):
        explained("Alder Stores")
