"""Every kind of problem is answered as the table says, with what to do, and reveals nothing about the server."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from pytest_django.fixtures import Settings

from tests.integration.api.commands.test_refusals import OF_COMMAND_LINES, OF_QUERIES
from tests.integration.api.conftest import NewApi
from tests.integration.books.acting import hidden
from tests.support.api.calling import Api, problem
from tests.support.api.refused import REFUSED
from tests.support.consumers.moving import connected_to_url
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database, connected_as, connected_to
from tests.support.ledger.portfolio import new_company
from tests.support.postgres.roles import OWNER
from web.api.problem_pages import KINDS

REGISTER: Final = "/api/commands/register-company"
FUND: Final = "/api/commands/fund-company"
ACME: Final = '{"name":"Acme"}'
MONEY: Final = {"amount": "1.00", "currency": "USD", "reference": "wire"}
NOTHING: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def csrf_failed(_api: Api) -> Any:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("anna"))
    return browser.post(REGISTER, ACME, content_type="application/json")


def version_mismatch(api: Api) -> Any:
    body = {"company_uuid": new_company(), "name": "Acme"}
    return api.command("rename-company", body, headers={"If-Match": '"7"'})


def reused(api: Api) -> Any:
    api.post(REGISTER, ACME, {"Idempotency-Key": "key"})
    return api.post(REGISTER, '{"name":"Other"}', {"Idempotency-Key": "key"})


REPORTED: Final[dict[str, Callable[[Api], Any]]] = {
    "not-json": lambda api: api.post(REGISTER, "name=Acme"),
    "bad-request": lambda api: api.get("/api/business-date", {"Host": "evil.example"}),
    "idempotency-key-required": lambda api: api.post(FUND, json.dumps({"company_uuid": NOTHING, **MONEY})),
    "invalid-idempotency-key": lambda api: api.post(REGISTER, ACME, {"Idempotency-Key": " "}),
    "unauthenticated": lambda _api: Api(None).post(REGISTER, ACME),
    "csrf-failed": csrf_failed,
    "version-mismatch": version_mismatch,
    "not-found": lambda api: api.get(f"/api/companies/{NOTHING}"),
    "no-such-address": lambda api: api.get("/api/company"),
    "method-not-allowed": lambda api: api.get(REGISTER),
    "body-too-large": lambda api: api.post(REGISTER, json.dumps({"name": "x" * 2**20})),
    "invalid-input": lambda api: api.post(REGISTER, "{}"),
    "idempotency-key-reused": reused,
    "not-reached": lambda api: api.get("/api/business-date", {"Ledger-Min-Position": "7"}),
    "date-not-cycled": lambda api: api.get(f"/api/companies/{new_company()}?as_of=2026-01-31"),
    "position-beyond-head": lambda api: api.get(f"/api/companies/{new_company()}?as_of=99"),
}
"""Problems of HTTP and of queries, and a request that causes each."""
TESTED_ELSEWHERE: Final = {
    "forbidden": "below",
    "internal-error": "below",
    "database-away": "below",
    "not-migrated": "with the probes",
    "outcome-unknown": "in tests/crash",
    "batch-refused": "with batches",
    "operation-refused": "with webhooks",
    "too-many-requests": "with what is throttled",
    "too-many-streams": "with what is streamed",
    "conflict": "never, since the last attempt decides while it holds the lock: for what is to come",
}


@pytest.mark.one_database
def test_every_kind_of_problem_is_in_one_table() -> None:
    of_commands = set(REFUSED)
    assert of_commands | set(REPORTED) | set(TESTED_ELSEWHERE) == set(KINDS)
    assert set(REPORTED) >= OF_QUERIES
    assert not (OF_COMMAND_LINES - {"invalid-input"}) & set(KINDS)


@pytest.mark.one_database
@pytest.mark.parametrize("slug", REPORTED)
def test_a_problem_is_answered_as_the_table_says(slug: str, api: Api) -> None:
    reported = problem(REPORTED[slug](api), KINDS[slug].status, slug)
    own = set(reported) - {"type", "title", "status", "detail", "errors"}
    assert own == set(KINDS[slug].members) - {"errors"}
    assert reported["title"] == KINDS[slug].title


@pytest.mark.one_database
def test_the_url_of_a_type_leads_to_its_description(api: Api) -> None:
    for slug, kind in KINDS.items():
        answer = api.get(f"/api/problems/{slug}")
        assert answer.status_code == 200
        assert json.loads(answer.content) == {
            "type": slug,
            "title": kind.title,
            "status": kind.status,
            "members": list(kind.members),
            "remedy": kind.remedy,
        }
    problem(api.get("/api/problems/no-such-kind"), 404, "not-found")
    problem(Api(None).get("/api/problems/conflict"), 401, "unauthenticated")


@pytest.mark.one_database
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.slug)
def test_each_says_in_sentences_what_to_do(kind: Any) -> None:
    assert kind.remedy.endswith(".")
    assert kind.remedy[0].isupper()
    assert not kind.title.endswith(".")


@pytest.mark.one_database
def test_the_document_is_what_the_code_says() -> None:
    call_command("describe_problems", check=True)


@pytest.mark.one_database
def test_the_document_is_refused_where_it_is_not(settings: Settings, tmp_path: Any) -> None:
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match="docs/problems.md is out of date"):
        call_command("describe_problems", check=True)


@pytest.mark.one_database
def test_a_refused_client_learns_which_permission_is_missing(new_api: NewApi) -> None:
    reported = problem(new_api("reader", []).command("grant-balances", {}), 403, "forbidden")
    assert (
        reported["detail"] == "This needs the permission ledger.grant_balances. Ask the operator of this ledger for it."
    )


def test_an_unreachable_database_is_reported_with_when_to_retry(api: Api, database: Database) -> None:
    away = {"sqlite": "sqlite:////no/such/folder/x.sqlite3", "postgresql": "postgres://nobody@/x?host=/no/such/folder"}
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("anna"))
    with connected_to(Database(away[database.vendor], database.vendor)):
        answers = [api.get("/api/business-date"), api.command("register-company", {"name": "Acme"})]
        answers.append(browser.get("/api/business-date"))
    for answer in answers:
        reported = problem(answer, 503, "database-away")
        assert answer["Retry-After"] == "1"
        assert not any(word in json.dumps(reported) for word in ("SELECT", "sqlite", "folder", "psycopg"))


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    """Let the database be read and take no change, as a standby or a file that is opened to be read."""
    if database.vendor == "sqlite":
        with connected_to_url(f"{database.url}?mode=ro"):
            yield
        return
    _set_read_only("SET default_transaction_read_only = on")
    try:
        yield
    finally:
        _set_read_only("RESET default_transaction_read_only")


def _set_read_only(setting: str) -> None:
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        cursor.execute("SELECT current_database()")
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(cursor.fetchone()[0])} {setting}")
    connections.close_all()


@pytest.mark.parametrize("path", ["/books/", "/books/do/", "/books/login/", "/admin/"])
def test_a_page_says_that_the_database_is_away(path: str, database: Database) -> None:
    away = {"sqlite": "sqlite:////no/such/folder/x.sqlite3", "postgresql": "postgres://nobody@/x?host=/no/such/folder"}
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.create_superuser("anna"))
    with connected_to(Database(away[database.vendor], database.vendor)):
        answer = browser.get(path, secure=True)
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "1", "text/html")
    assert "<h1>The database of the ledger is away.</h1>" in answer.text
    assert "Try again in a moment." in answer.text


def test_a_database_that_can_only_be_read_is_reported_by_pages_and_by_the_api(api: Api, database: Database) -> None:
    browser, company = Client(raise_request_exception=False), new_company()
    browser.force_login(User.objects.create_superuser("anna"))
    form = {"company_uuid": str(company), "name": "Beech"}
    preview = browser.post("/books/do/rename-company", {"step": "preview", **form}, secure=True).text
    record = {"step": "record", "ticket": hidden(preview, "ticket")}
    pause = {"action": "pause", "reason": "month end", "confirmed": "yes"}
    log_in = {"username": "anna", "password": "x"}
    with read_only(database):
        assert browser.get("/books/", secure=True).status_code == 200
        answers = [browser.post("/books/do/rename-company", record, secure=True)]
        answers.append(browser.post("/books/consumers/journal/act", pause, secure=True))
        answers.append(Client(raise_request_exception=False).post("/books/login/", log_in, secure=True))
        refused = api.command("rename-company", form)
    for answer in answers:
        assert (answer.status_code, answer["Content-Type"]) == (503, "text/html")
        assert "<h1>The database of the ledger can only be read now.</h1>" in answer.text
        assert "Nothing was recorded." in answer.text
    problem(refused, 503, "database-away")


@pytest.mark.one_database
def test_an_unexpected_error_is_reported_without_its_content(api: Api) -> None:
    company = new_company()
    with unguarded() as cursor:
        cursor.execute("UPDATE eventstore_event SET payload = '{\"secret\": 1}'")
    for answer in (api.get(f"/api/companies/{company}"), api.command("rename-company", _rename(company))):
        reported = problem(answer, 500, "internal-error")
        assert set(reported) == {"type", "title", "status", "detail"}
        assert "secret" not in json.dumps(reported)


def _rename(company: Any) -> dict[str, Any]:
    return {"company_uuid": company, "name": "Acme"}
