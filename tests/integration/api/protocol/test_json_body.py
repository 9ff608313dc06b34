"""A body is read strictly: a value that a lenient reader would change, lose or ignore is refused, with its place."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from eventstore import store
from tests.support.api.calling import Api, problem
from web.api.commands import KEY_REQUIRED, body_schema

pytestmark = pytest.mark.one_database

U = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
FUND = "/api/commands/fund-company"
GRANT = "/api/commands/grant-balances"


@pytest.fixture
def api(shared_api: Api) -> Api:
    return shared_api


@pytest.fixture(autouse=True)
def _nothing_is_recorded(api: Api) -> Iterator[None]:
    before = store.head().position
    yield
    assert store.head().position == before


def fund(**raw: str) -> str:
    """Return a body of fund-company whose fields are JSON as given."""
    fields = {"company_uuid": json.dumps(U), "amount": '"1.00"', "currency": '"USD"', "reference": '"wire"'} | raw
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def grant(destination: str) -> str:
    return f'{{"reference":"g","sources":[{{"from_type":"company","from_uuid":"{U}"}}],"destinations":[{destination}]}}'


def destination(amount: str) -> str:
    return f'{{"to_company_uuid":"{U}","to_company_account_uuid":"{U}","amount":{amount}}}'


POINT = (
    "must not be a JSON number with a point or an exponent, which loses digits: send an amount as a string, and a whole"
    " number without them"
)
TEXT = "must be a string, so that no digit is lost"
TWICE = "must not be given twice"
PLAIN = "must be a plain decimal number such as 1250.00"
HUGE = "must have at most 20 digits"
NOT_UUIDS = ("", "7", U[:-1], U + "0", f"{{{U}}}", f"urn:uuid:{U}", U.replace("-", ""))
INVALID: list[tuple[str, str, str, str]] = [
    # amounts
    (FUND, fund(amount="1"), "/amount", TEXT),
    (FUND, fund(amount="1.5"), "/amount", POINT),
    (FUND, fund(amount="1e2"), "/amount", POINT),
    (FUND, fund(amount="NaN"), "/amount", "must not be NaN, which JSON does not have"),
    (FUND, fund(amount="-Infinity"), "/amount", "must not be -Infinity, which JSON does not have"),
    (FUND, fund(amount="9" * 5000), "/amount", HUGE),
    (FUND, fund(amount="true"), "/amount", TEXT),
    (FUND, fund(amount="null"), "/amount", TEXT),
    (FUND, fund(amount='["1.00"]'), "/amount", TEXT),
    *((FUND, fund(amount=f'"{text}"'), "/amount", PLAIN) for text in ("NaN", "1e2", "+1", " 1", "1.", ".5", "1_0", "")),
    *((FUND, fund(amount=f'"{text}"'), "/amount", PLAIN) for text in ("Infinity", "٣", "1,00", "0x1", "x" * 36)),
    *(
        (FUND, fund(amount=f'"{text}"'), "/amount", "must have at most 36 characters")
        for text in ("9" * 37, "9" * 5000)
    ),
    (GRANT, grant(destination("2")), "/destinations/0/amount", TEXT),
    (GRANT, grant(f"{destination(chr(34) + '1.00' + chr(34))},{destination('0.1')}"), "/destinations/1/amount", POINT),
    # fields
    (FUND, fund(amonut='"1.00"'), "/amonut", "unknown field"),
    (FUND, fund(**{"a/b~c": "1"}), "/a~1b~0c", "unknown field"),
    (FUND, fund()[:-1] + ',"amount":"2.00"}', "/amount", TWICE),
    (GRANT, grant(destination('"1.00","amount":"1.00"')), "/destinations/0/amount", TWICE),
    (GRANT, grant(destination('"1.00","x":{"y":[{"z":1,"z":1}]}')), "/destinations/0/x/y/0/z", TWICE),
    (FUND, '{"amount":"1.00","currency":"USD","reference":"wire"}', "/company_uuid", "is required"),
    (FUND, fund(**{"k" * 201: "1"}), "", "unknown field with a name of 201 characters"),
    # texts
    (FUND, fund(reference='"a\\u0000b"'), "/reference", "must not have a null byte"),
    (FUND, fund(reference='"a\\ud800b"'), "/reference", "must not have a lone surrogate"),
    (FUND, fund(reference="7"), "/reference", "must be a string"),
    (FUND, fund(**{"a\\u0000b": "1"}), "/a\0b", "must not have a null byte"),
    (FUND, fund(**{"a\\ud800b": "1"}), "/ab", "must not have a lone surrogate"),
    (FUND, fund(reference=json.dumps("x" * 2001)), "/reference", "must have at most 2000 characters"),
    # uuids, dates, whole numbers, lists
    *((FUND, fund(company_uuid=f'"{text}"'), "/company_uuid", "must be a UUID") for text in ("", "7", U[:-1], U + "0")),
    *(
        (FUND, fund(company_uuid=f'"{text}"'), "/company_uuid", "must be a UUID")
        for text in (f"{{{U}}}", "urn:uuid:" + U)
    ),
    (FUND, fund(company_uuid='"' + U.replace("-", "") + '"'), "/company_uuid", "must be a UUID"),
    (FUND, fund(company_uuid="7"), "/company_uuid", "must be a UUID"),
    (GRANT, grant("7"), "/destinations/0", "must be an object"),
    (GRANT, grant("").replace("[]", "{}"), "/destinations", "must be a list"),
    (GRANT, grant("").replace("[]", "null"), "/destinations", "must be a list"),
    (GRANT, grant(destination('"1.00"')).replace('"reference":"g"', '"reference":"g","sources":[]'), "/sources", TWICE),
    # nesting
    (FUND, fund(reference="[" * 20 + "]" * 20), "/reference" + "/0" * 15, "must not be nested more than 16 deep"),
    (FUND, fund(reference="[" * 100_000 + "]" * 100_000), "", "must not be nested more than 16 deep"),
    (
        FUND,
        fund(reference='{"a":' * 100 + "1" + "}" * 100),
        "/reference" + "/a" * 15,
        "must not be nested more than 16 deep",
    ),
    # not an object
    (FUND, "[]", "", "must be an object"),
    (FUND, "null", "", "must be an object"),
    (FUND, '"text"', "", "must be an object"),
    (FUND, "7", "", "must be an object"),
]


@pytest.mark.parametrize(
    ("path", "body", "pointer", "detail"),
    [pytest.param(*one, id=f"{number} {one[2][:30]}") for number, one in enumerate(INVALID)],
)
def test_a_fault_is_reported_with_its_place(path: str, body: str, pointer: str, detail: str, api: Api) -> None:
    reported = problem(api.post(path, body, {"Idempotency-Key": "k"}), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": pointer, "detail": detail}]
    assert reported["detail"].endswith(" Nothing was recorded.")
    assert len(reported["detail"]) < 300


@pytest.mark.parametrize(
    "given", ["2026-02-29", "2026-13-01", "0000-01-01", "2026-1-1", "20260101", "2026-01-01T00:00"]
)
def test_a_date_that_does_not_exist_is_refused(given: str, api: Api) -> None:
    reported = problem(api.command("originate-product", origination() | {"due_date": given}), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": "/due_date", "detail": "must be a date such as 2026-01-31"}]


@pytest.mark.parametrize("given", [2**63, -(2**63), "1", True, None])
def test_a_position_is_a_whole_number_that_the_ledger_may_have(given: Any, api: Api) -> None:
    body = {"company_uuid": U, "position": given, "reason": "r"}
    reported = problem(api.command("reverse-funding", body), 422, "invalid-input")
    [fault] = reported["errors"]
    beyond = f"must be from {1 - 2**63} to {2**63 - 1}"
    assert fault == {"pointer": "/position", "detail": beyond if type(given) is int else "must be a whole number"}


def test_a_list_has_a_bounded_number_of_items(api: Api) -> None:
    body = {"product_line_id": 1, "companies": [{"company_uuid": U, "role": "seller"}] * 1001}
    reported = problem(api.command("create-deal", body), 422, "invalid-input")
    assert reported["errors"] == [{"pointer": "/companies", "detail": "must have at most 1000 items"}]


@pytest.mark.parametrize("name", ["", "x" * 201, "x" * 2000, "tab\there", "\x7f", "\x85"])
def test_a_text_that_the_document_does_not_allow_is_refused_by_the_rule(name: str, api: Api) -> None:
    schema = body_schema("register-company").model_json_schema()["properties"]["name"]
    allowed = schema["minLength"] <= len(name) <= schema["maxLength"] and re.search(schema["pattern"], name)
    assert not allowed
    reported = problem(api.command("register-company", {"name": name}), 422, "invalid-text")
    assert [fault["pointer"] for fault in reported["errors"]] == ["/name"]


def origination() -> dict[str, Any]:
    return {
        "deal_uuid": U,
        "principal": "1.00",
        "due_date": "2026-01-01",
        "daily_late_fee_rate": "0",
        "late_fee_payer_role": "debtor",
        "reference": "r",
        "currency": "USD",
    }


def test_up_to_a_hundred_faults_are_reported_at_once(api: Api) -> None:
    reported = problem(api.post(FUND, '{"amount":1,"x":2}', {"Idempotency-Key": "k"}), 422, "invalid-input")
    assert {fault["pointer"] for fault in reported["errors"]} == {"/company_uuid", "/amount", "/reference", "/x"}
    many = '{"x":[' + ",".join(["0.1"] * 5000) + "]}"
    reported = problem(api.post(FUND, many, {"Idempotency-Key": "k"}), 422, "invalid-input")
    assert len(reported["errors"]) == 100
    many = "{" + ",".join(f'"x{number}":1' for number in range(5000)) + "}"
    reported = problem(api.post(FUND, many, {"Idempotency-Key": "k"}), 422, "invalid-input")
    assert len(reported["errors"]) == 100


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "The body is empty."),
        (b"{", "line 1, column 2"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 1,}', "line 1, column 9"),
        (b'{"a": "\xff"}', "Byte 8 is not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "The body begins with a byte order mark."),
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
        (b'{"a": "line\nbreak"}', "Invalid control character at line 1, column 12"),
        (b"amount=1&reference=wire", "line 1, column 1"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10"),
        (b'{"a": 01}', "line 1, column 8"),
    ],
)
def test_invalid_json_is_reported_with_its_place(body: bytes, reason: str, api: Api) -> None:
    reported = problem(api.post(FUND, body, {"Idempotency-Key": "k"}), 400, "not-json")
    assert reason in reported["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_is_said_to_be_json(content_type: str, api: Api) -> None:
    reported = problem(api.post(FUND, fund(), {"Idempotency-Key": "k"}, content_type), 400, "not-json")
    assert reported["detail"].endswith("Send the body as application/json.")


def test_a_body_may_say_that_it_is_utf_8(api: Api) -> None:
    response = api.post(FUND, fund(), {"Idempotency-Key": "k"}, "application/json; charset=utf-8")
    problem(response, 422, "unknown-company")


def test_a_body_over_the_limit_is_refused_before_it_is_read(api: Api) -> None:
    body = fund(reference=json.dumps("x" * 1024 * 1024))
    reported = problem(api.post(FUND, body, {"Idempotency-Key": "k"}), 413, "body-too-large")
    assert reported["limit_bytes"] == 1024 * 1024
    assert reported["errors"] == [{"pointer": "", "detail": "must have at most 1048576 bytes"}]


@pytest.mark.parametrize(
    "body",
    [
        "[" * 500_000,
        '{"a":' * 200_000,
        '{"' + "k" * 500_000 + '":[' + ",".join(["0.5"] * 100_000) + "]}",
        "1" * 1_000_000,
        '{"sources":[' + ",".join(["{}"] * 340_000) + "]}",
        '{"sources":[' + ",".join(["1"] * 500_000) + "]}",
        "{" + ",".join(f'"{number:x}":1' for number in range(95_000)) + "}",
        '{"sources":[{' + "},{".join([",".join(f'"{number}":1' for number in range(100))] * 1000) + "}]}",
    ],
    ids=range(8),
)
def test_a_body_that_is_made_to_hurt_costs_little(body: str, api: Api) -> None:
    for path in (FUND, GRANT):
        began = time.process_time()
        response = api.post(path, body, {"Idempotency-Key": "k"})
        assert response.status_code in {400, 422}
        assert len(response.content) < 10_000
        assert time.process_time() - began < 0.7


@pytest.mark.parametrize("key", ["", " a", "a ", "x" * 201, "tab\there", "é", "a,b", "a, b"])
def test_an_idempotency_key_is_printable_ascii_of_bounded_length(key: str, api: Api) -> None:
    headers = {"Idempotency-Key": key}
    problem(api.post("/api/commands/register-company", '{"name":"Acme"}', headers), 400, "invalid-idempotency-key")


@pytest.mark.parametrize("name", sorted(KEY_REQUIRED))
def test_a_command_whose_retry_would_pay_twice_needs_a_key(name: str, api: Api) -> None:
    target = {"fund-asset": "asset", "pay-out-funds": "account", "fund-company": "company"}.get(name, "product")
    text = "reason" if name == "waive-late-fee" else "reference"
    body = {f"{target}_uuid": U, "amount": "1.00", text: "wire", "currency": "USD"}
    reported = problem(api.command(name, body, key=None), 400, "idempotency-key-required")
    assert {"fund-company", "fund-asset", "apply-payment", "pay-out-funds", "waive-late-fee"} <= KEY_REQUIRED
    assert "Idempotency-Key" in reported["detail"]
