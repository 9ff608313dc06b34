"""How many statements a request sends to the database; on PostgreSQL, as libpq itself shows them."""

from uuid import UUID

import pytest
from django.db import connection

from eventstore.log.cache import clear_all
from tests.support.api.calling import Api
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_account, new_company
from tests.support.sent import sent


def grant(company: UUID, account: UUID) -> dict[str, object]:
    """Return the body of a grant from a company to an account."""
    to = {"to_company_uuid": company, "to_company_account_uuid": account, "amount": "1.00"}
    sources = [{"from_type": "company", "from_uuid": company}]
    return {"reference": "wire", "sources": sources, "destinations": [to]}


@pytest.mark.parametrize("is_kept", [False, True], ids=["nothing is kept", "the states are kept"])
def test_a_get_takes_two_statements_and_a_grant_three(database: Database, api: Api, *, is_kept: bool) -> None:
    company = new_company("100.00")
    account = new_account(company)
    assert api.command("grant-balances", grant(company, account)).status_code == 201
    if not is_kept:
        clear_all()
    with sent() as counted:
        assert api.get(f"/api/companies/{company}").status_code == 200
    assert counted.statements == 2  # who, and the company with the head
    with sent() as counted:
        assert api.command("grant-balances", grant(company, account)).status_code == 201
    # Who, every stream at once, and the append. SQLite's append reads the key, three streams and the head by itself.
    assert counted.statements == (3 if connection.vendor == "postgresql" else 2 + 5)


def test_a_refusal_takes_two_statements_more_than_a_command(database: Database, api: Api) -> None:
    company = new_company()
    with sent() as counted:
        assert api.command("register-company", {"company_uuid": company, "name": "Acme"}).status_code == 409
    # Who, the company, the key, and the head; on PostgreSQL also the barrier before it is said.
    assert counted.statements == (5 if connection.vendor == "postgresql" else 4)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
def test_a_request_whose_kept_connection_is_lost_is_answered_on_a_new_one(database: Database, api: Api) -> None:
    company = new_company()
    lost = connection.connection.info.backend_pid
    with connection.copy().cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [lost])
        other.connection.close()
    connection.health_check_done = False  # type: ignore[attr-defined] # as at the beginning of a request
    assert api.get(f"/api/companies/{company}").status_code == 200
    assert connection.connection.info.backend_pid != lost


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL prepares statements")
def test_a_request_is_answered_after_its_prepared_statements_are_dropped(database: Database, api: Api) -> None:
    company = new_company()
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    assert api.get(f"/api/companies/{company}").status_code == 200
