"""Lists: what is in them, how they are narrowed, and that following `next` meets each row exactly once."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from eventstore import store
from eventstore.consumers import rebuild
from eventstore.consumers.loop import catch_up
from eventstore.runtime.shutdown import Stop
from ledger.rules.commands import FundCompany, RegisterCompany, RenameCompany
from projectors.catalog import PROJECTORS
from projectors.journal import ACCOUNTS
from tests.support.api.calling import LISTS, Api, problem
from tests.support.databases import Database
from tests.support.ledger.folded_log import History as Folded
from tests.support.ledger.portfolio import do, new_company, new_product

NAMES: Final = tuple(projector.name for projector in PROJECTORS)
KEYS: Final = {
    "companies": ("company_uuid",),
    "deals": ("deal_uuid",),
    "accounts": ("account_uuid",),
    "balances": ("entity", "uuid"),
    "products": ("product_uuid",),
    "journal": ("position", "line"),
    "trial-balance": ("account", "currency"),
    "aging": ("currency", "bucket"),
    "customers": ("company_uuid", "currency"),
    "daily-activity": ("business_date", "currency"),
}

Item = dict[str, Any]


def pages(api: Api, path: str) -> Iterator[list[Item]]:
    following: str | None = path
    while following is not None:
        response = api.get(following)
        assert response.status_code == 200, response.content
        yield response.json()["items"]
        following = response.json()["next"]


def every(api: Api, path: str) -> list[Item]:
    return [item for page in pages(api, path) for item in page]


def keys(name: str, items: list[Item]) -> list[tuple[Any, ...]]:
    return [tuple(item[field] for field in KEYS[name]) for item in items]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 7])
def test_following_next_meets_each_row_once_in_the_order_of_the_key(name: str, limit: int, reader: Api) -> None:
    whole = reader.get(f"/api/{name}?limit=1000")
    items = whole.json()["items"]
    assert len(items) > 1
    assert whole.json()["next"] is None
    assert len(set(keys(name, items))) == len(items)
    if name not in {"aging", "daily-activity", "trial-balance"}:
        assert keys(name, items) == sorted(keys(name, items))
    followed = list(pages(reader, f"/api/{name}?limit={limit}"))
    assert [item for page in followed for item in page] == items
    assert {len(page) for page in followed[:-1]} <= {limit}
    assert 1 <= len(followed[-1]) <= limit


def test_the_directory_is_what_the_log_says(reader: Api) -> None:
    folded = Folded()
    for item in every(reader, "/api/companies"):
        company = folded.at(f"company-{item['company_uuid']}", store.head().position)
        assert (item["name"], item["currency"] is None) == (company.name, company.currency is None)
    listed = [
        (item["company_uuid"], item["balance"])
        for item in ({**one, "company_uuid": one["uuid"]} for one in every(reader, "/api/balances"))
        if item["entity"] == "company"
    ]
    assert len(listed) == len(list(folded.last("company")))
    for uuid, balance in listed:
        assert balance == f"{folded.at(f'company-{uuid}', store.head().position).balance:f}"


def first(api: Api, name: str, field: str) -> str:
    """Return a value that some items have and others have not."""
    values = [item[field] for item in every(api, f"/api/{name}")]
    return str(next(value for value in values if value is not None and set(values) != {value}))


def same(field: str, parameter: str | None = None) -> tuple[str, Callable[[Item, str], bool], str]:
    return parameter or field, lambda item, value: str(item[field]) == value, field


FILTERS: Final = {
    ("products", "deal_uuid"): same("deal_uuid"),
    ("products", "company_uuid"): same("obligor_company_uuid", "company_uuid"),
    ("products", "asset_uuid"): same("asset_uuid"),
    ("products", "status"): same("status"),
    ("accounts", "company_uuid"): same("company_uuid"),
    ("journal", "account"): same("account"),
    ("journal", "party_uuid"): same("party_uuid"),
    ("journal", "from"): ("from", lambda item, value: (item["booking_date"] or "") >= value, "booking_date"),
    ("journal", "to"): ("to", lambda item, value: "" < (item["booking_date"] or "") <= value, "booking_date"),
    ("daily-activity", "from"): ("from", lambda item, value: item["business_date"] >= value, "business_date"),
    ("daily-activity", "to"): ("to", lambda item, value: item["business_date"] <= value, "business_date"),
}


@pytest.mark.parametrize(("name", "parameter"), FILTERS)
def test_a_filter_finds_what_it_says_and_its_next_links_keep_it(name: str, parameter: str, reader: Api) -> None:
    parameter, matches, field = FILTERS[name, parameter]
    value = first(reader, name, field)
    expected = [item for item in every(reader, f"/api/{name}") if matches(item, value)]
    assert expected
    assert every(reader, f"/api/{name}?{parameter}={value}&limit=2") == expected


def test_filters_narrow_together(reader: Api) -> None:
    lines = every(reader, "/api/journal")
    for line in lines[::9]:
        booked = line["booking_date"]
        expected = [
            one
            for one in lines
            if (one["account"], one["party_uuid"]) == (line["account"], line["party_uuid"])
            and (booked is None or (one["booking_date"] or "") >= booked)
        ]
        narrowed = f"account={line['account']}&party_uuid={line['party_uuid']}"
        narrowed += "" if booked is None else f"&from={booked}"
        assert every(reader, f"/api/journal?{narrowed}&limit=2") == expected
    products = every(reader, "/api/products")
    for product in products:
        pairs = [("deal_uuid", "deal_uuid"), ("obligor_company_uuid", "company_uuid"), ("status", "status")]
        same_as = [one for one in products if all(one[field] == product[field] for field, _ in pairs)]
        query = "&".join(f"{parameter}={product[field]}" for field, parameter in pairs)
        assert every(reader, f"/api/products?{query}&limit=1") == same_as


def test_overdue_products_owe_something_and_come_in_the_order_of_their_due_dates(reader: Api) -> None:
    products = every(reader, "/api/products")
    for on in sorted({item["due_date"] for item in products}):
        expected = [
            item
            for item in products
            if item["due_date"] < on and (item["principal_outstanding"], item["fees_outstanding"]) != _nothing(item)
        ]
        expected.sort(key=lambda item: (item["due_date"], item["product_uuid"]))
        assert every(reader, f"/api/products?overdue_on={on}&limit=2") == expected
        for deal in {item["deal_uuid"] for item in expected}:
            of_deal = [item for item in expected if item["deal_uuid"] == deal]
            assert every(reader, f"/api/products?overdue_on={on}&deal_uuid={deal}&limit=1") == of_deal
        for status in ("open", "paid", "written_off"):
            of_status = [item for item in expected if item["status"] == status]
            assert every(reader, f"/api/products?overdue_on={on}&status={status}&limit=1") == of_status


def _nothing(item: Item) -> tuple[str, str]:
    zero = re.sub("[0-9]", "0", item["principal"].lstrip("123456789") or "0")
    zero = f"0.{zero.partition('.')[2]}" if "." in zero else "0"
    return zero, zero


def test_deals_of_a_company_are_those_in_which_it_plays_a_role(reader: Api) -> None:
    deals = every(reader, "/api/deals")
    for company in {one["company_uuid"] for deal in deals for one in deal["companies"]}:
        expected = [deal for deal in deals if company in {one["company_uuid"] for one in deal["companies"]}]
        assert every(reader, f"/api/deals?company_uuid={company}&limit=1") == expected


def test_companies_are_found_by_a_part_of_their_name(database: Database, api: Api) -> None:
    for name in ("Baltic Timber", "BALTIC fish", "100% Oak", "Größe"):
        do(RegisterCompany(uuid4(), name))
    catch_up(*NAMES)
    found = {
        part: {item["name"] for item in every(api, f"/api/companies?name={quote(part)}")}
        for part in ("baltic", "%", "_", "größe", "Ölf", "tim")
    }
    assert found == {
        "baltic": {"Baltic Timber", "BALTIC fish"},
        "%": {"100% Oak"},
        "_": set(),
        "größe": {"Größe"} if database.vendor == "postgresql" else found["größe"],
        "Ölf": set(),
        "tim": {"Baltic Timber"},
    }


@pytest.mark.parametrize("name", LISTS)
def test_after_is_only_what_a_next_link_of_this_list_with_these_filters_had(name: str, reader: Api) -> None:
    others = [other for other in LISTS if other != name]
    foreign = [reader.get(f"/api/{other}?limit=1").json()["next"].rpartition("after=")[2] for other in others]
    own = reader.get(f"/api/{name}?limit=1").json()["next"].rpartition("after=")[2]
    tag, *last = json.loads(base64.urlsafe_b64decode(own + "=" * (-len(own) % 4)))
    values: list[Any] = [[], {}, None, 7, last, [tag], [tag, *last, 1], [tag, *[[]] * len(last)], ["", *last], [None]]
    made = [base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=") for value in values]
    broken = ["", "x", own[:-1], own + "A", "%00", "%F0%9F%92%A9", "A" * 600, own + "=", "_" * 40]
    for after in foreign + made + broken:
        refused = problem(reader.get(f"/api/{name}?limit=1&after={after}"), 422, "invalid-input")
        assert [fault["pointer"] for fault in refused["errors"]] == ["/after"]
    assert reader.get(f"/api/{name}?limit=1&after={own}").status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_an_after_that_somebody_made_up_is_never_more_than_refused(name: str, reader: Api) -> None:
    own = reader.get(f"/api/{name}?limit=1").json()["next"].rpartition("after=")[2]
    tag, *last = json.loads(base64.urlsafe_b64decode(own + "=" * (-len(own) % 4)))
    odd: list[Any] = [0, -1, 1, 2**31, 2**63 - 1, 2**63, 10**400, True, None, 1.5, "", "x", "\0", "\ud800", "🙂", "'"]
    odd += ["2026-02-30", "9999-12-31", "over 90", str(uuid4()), "9" * 300, [], {}]
    for index in range(len(last)):
        for value in odd:
            made = json.dumps([tag, *last[:index], value, *last[index + 1 :]], separators=(",", ":"))
            after = base64.urlsafe_b64encode(made.encode()).decode().rstrip("=")
            assert reader.get(f"/api/{name}?limit=1&after={after}").status_code in {200, 422}, made


def test_the_next_link_of_other_filters_is_not_of_this_list(reader: Api) -> None:
    account = first(reader, "journal", "account")
    after = reader.get("/api/journal?limit=1").json()["next"].rpartition("after=")[2]
    problem(reader.get(f"/api/journal?limit=1&account={account}&after={after}"), 422, "invalid-input")


@pytest.mark.parametrize("name", ["companies", "aging"])
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.0", "1e2", "", "x", "%2B1", "1_0", "9" * 5000, "%00"])
def test_a_limit_is_a_whole_number_from_1_to_1000(name: str, limit: str, reader: Api) -> None:
    refused = problem(reader.get(f"/api/{name}?limit={limit}"), 422, "invalid-input")
    assert refused["errors"] == [{"pointer": "/limit", "detail": "must be a whole number from 1 to 1000"}]


WRONG: Final = ("", "x", "%00", "%ED%A0%80", "%F0%9F%92%A9", "9" * 5000, "2026-02-30", "1700000000", "{}", "null")


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        *((name, parameter) for name, parameter in FILTERS),
        ("deals", "company_uuid"),
        ("products", "overdue_on"),
        ("aging", "business_date"),
        ("trial-balance", "as_of"),
    ],
)
def test_a_filter_that_cannot_be_one_is_refused_with_its_place(name: str, parameter: str, reader: Api) -> None:
    for value in WRONG:
        if (parameter, value) == ("as_of", "1700000000"):
            continue
        refused = problem(reader.get(f"/api/{name}?{parameter}={value}"), 422, "invalid-input")
        assert [fault["pointer"] for fault in refused["errors"]] == [f"/{parameter}"]


@pytest.mark.parametrize(
    ("name", "parameter"), [("companies", "name"), ("products", "reference"), ("events", "correlation_id")]
)
def test_a_text_may_be_anything_but_empty_too_long_or_with_a_null_byte(name: str, parameter: str, reader: Api) -> None:
    for value in ("%00", "a%00", "", "a" * 201):
        problem(reader.get(f"/api/{name}?{parameter}={value}"), 422, "invalid-input")
    for value in ("%ED%A0%80", "%F0%9F%92%A9", "''", "%25", "\\\\", "a" * 200):
        assert every(reader, f"/api/{name}?{parameter}={value}") == []


@pytest.mark.parametrize("name", ["journal", "daily-activity"])
def test_a_range_of_dates_that_has_none_is_refused(name: str, reader: Api) -> None:
    reported = problem(reader.get(f"/api/{name}?from=2026-03-02&to=2026-03-01"), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": "/from", "detail": "must not be after to, which is 2026-03-01"}]
    assert reader.get(f"/api/{name}?from=2026-03-02&to=2026-03-02").status_code == 200


def test_an_account_that_the_journal_does_not_have_is_refused_with_those_that_it_has(reader: Api) -> None:
    reported = problem(reader.get("/api/journal?account=company"), 422, "invalid-input")
    assert all(account in reported["errors"][0]["detail"] for account in ACCOUNTS)
    assert {line["account"] for line in every(reader, "/api/journal")} <= set(ACCOUNTS)


def test_rows_that_are_written_meanwhile_neither_hide_nor_repeat_another(database: Database, api: Api) -> None:
    for _ in range(12):
        new_company("5.00")
    catch_up(*NAMES)
    before = {item["company_uuid"] for item in every(api, "/api/companies")}
    met: list[str] = []
    for number, page in enumerate(pages(api, "/api/companies?limit=2")):
        met += [item["company_uuid"] for item in page]
        if number < 8:
            new_company("1.00")
            for item in page:
                do(RenameCompany(UUID(item["company_uuid"]), f"renamed {number}"))
                do(FundCompany(UUID(item["company_uuid"]), Decimal("1.00"), "more", "USD"))
            catch_up(*NAMES)
    assert len(met) == len(set(met))
    assert before <= set(met)


def test_a_rebuild_that_switches_between_two_pages_neither_hides_nor_repeats_a_row(
    database: Database, api: Api
) -> None:
    for _ in range(6):
        new_company("5.00")
        new_product()
    catch_up(*NAMES)
    for name in ("companies", "balances", "products", "journal", "deals"):
        whole = every(api, f"/api/{name}")
        met: list[Item] = []
        for page in pages(api, f"/api/{name}?limit=2"):
            met += page
            if len(met) == 4:
                for group in ("directory", "financial_products", "balances", "journal"):
                    rebuilt(group)
        assert met == whole


def rebuilt(name: str) -> None:
    made = rebuild.rebuild_runner(name, 100)
    made.begin(name, actor="tester")
    assert rebuild.run(made, Stop(), lambda *_: None, lambda _: None)
