"""/healthz answers while the process lives; /readyz says in time whether it can work, and why not."""

import logging
import os
import socket
import threading
import time
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from eventstore.clock import utc_now
from eventstore.consumers.status import DATABASE
from eventstore.models import Checkpoint
from ledger import clients, daily_cycle
from tests.support.databases import Database, connected_as
from tests.support.ledger.book import run_late_fees
from tests.support.patience import wait_until
from tests.support.postgres.roles import OWNER
from tests.support.webserver import Serve, serving
from web import probes

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def prober(database: Database) -> Client:
    """Return a client without credentials."""
    return Client()


def test_a_fresh_database_is_ready_though_no_consumer_ever_ran(prober: Client) -> None:
    assert (prober.get("/readyz").status_code, prober.get("/healthz").status_code) == (200, 200)


def test_a_consumer_that_an_error_stopped_is_named(prober: Client) -> None:
    row = {"kind": "process_manager", "position": 6, "registered_at": utc_now(), "registered_position": 0}
    Checkpoint.objects.create(name="late_fees", **row, error_position=7, error_message="secret='x'")
    response = prober.get("/readyz")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["reasons"] == ["late_fees was stopped by an error at position 7"]


def test_a_consumer_that_waits_for_the_database_is_named_as_a_warning(prober: Client) -> None:
    row = {"kind": "process_manager", "position": 6, "registered_at": utc_now(), "registered_position": 0}
    waiting = Checkpoint.objects.create(name="late_fees", **row, last_seen=utc_now(), waiting_for=DATABASE)
    response = prober.get("/readyz")
    assert (response.status_code, response.json()["warnings"]) == (200, ["late_fees waits for the database"])
    out = StringIO()
    call_command("consumers", stdout=out)
    assert "late_fees\tprocess_manager\twaiting for the database\t" in out.getvalue()
    waiting.waiting_for = ""
    waiting.save()
    assert "warnings" not in prober.get("/readyz").json()


def test_a_missing_migration_is_named(prober: Client) -> None:
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'web'")
    response = prober.get("/readyz")
    assert (response.status_code, response.json()["reasons"]) == (503, ["the database 'default' is not migrated"])
    assert prober.get("/healthz").status_code == 200


def test_a_session_setting_that_breaks_a_guarantee_is_logged_and_not_answered(
    prober: Client, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no session settings")
    settings.APPEND_LOCK_IDLE_TIMEOUT_MS = 100
    with caplog.at_level(logging.WARNING):
        assert prober.get("/readyz").json() == {"status": "ready"}
    assert "a frozen process keeps the append lock: eventstore.append_lock_idle_timeout is" in caplog.text


def test_late_fees_that_are_more_than_one_date_behind_are_a_warning(
    prober: Client, caplog: pytest.LogCaptureFixture
) -> None:
    daily_cycle.cycle(date(2026, 1, 1))
    run_late_fees()
    daily_cycle.cycle(date(2026, 1, 2))
    assert prober.get("/readyz").json() == {"status": "ready"}
    daily_cycle.cycle(date(2026, 1, 3))
    with caplog.at_level(logging.WARNING):
        answers = [prober.get("/readyz") for _ in range(3)]
    [warning] = answers[0].json()["warnings"]
    assert (answers[0].status_code, warning[:29]) == (200, "late_fees is 2 dates behind: ")
    assert [record.message for record in caplog.records] == [warning]
    token = clients.token(clients.create("prometheus", []))
    shown = prober.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
    assert "\ndaybook_late_fees_dates_behind 2.0\n" in shown
    run_late_fees()
    assert prober.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/o/token/"),
        ("GET", "/api/companies"),
        ("POST", "/api/commands/register-company"),
        ("GET", "/metrics"),
        ("POST", "/admin/login/"),
    ],
)
def test_without_its_tables_the_web_answers_503_with_the_reason(method: str, path: str, prober: Client) -> None:
    prober.raise_request_exception = False
    tables = ("web_allowance", "oauth2_provider_accesstoken")
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'web'")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    response = prober.generic(method, path, b"a=b", FORM, secure=True, headers={"Authorization": "Bearer x"})
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    if path.startswith("/admin/"):
        assert "<h1>The database &#x27;default&#x27; is not migrated.</h1>" in response.text
        assert "run manage.py migrate" in response.text
    else:
        assert response.json()["type"] == "not-migrated"
        assert response.json()["detail"].startswith("The database 'default' is not migrated. ")


@pytest.mark.parametrize("path", ["/books/login/", "/admin/login/"])
def test_a_page_says_that_a_log_without_its_table_is_not_migrated(path: str, prober: Client) -> None:
    prober.raise_request_exception = False
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'eventstore'")
        cursor.execute("ALTER TABLE eventstore_event RENAME TO eventstore_event_away")
    response = prober.get(path, secure=True)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "<h1>The database &#x27;default&#x27; is not migrated.</h1>" in response.text


def test_a_failure_of_a_migrated_web_remains_500(prober: Client) -> None:
    prober.raise_request_exception = False
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE web_allowance RENAME TO web_allowance_away")
    assert prober.post("/o/token/", secure=True).status_code == 500


def test_a_database_that_hangs_is_reported_in_time_and_blocks_nothing_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://nobody:hunter2@127.0.0.1:{silent.getsockname()[1]}/nothing"
        with serving({**os.environ, "DATABASE_URL": url, "WEB_THREADS": "4"}, tmp_path) as server:
            began = time.monotonic()
            answers = []
            asking = [threading.Thread(target=lambda: answers.append(server.ask("GET", "/readyz"))) for _ in range(4)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            took = time.monotonic() - began
    assert [answer.status for answer in answers] == [503] * 4
    assert answers[0].json()["reasons"] == [f"no database has answered within {probes.PATIENCE_S} s"]
    assert took < 60


def test_without_the_read_database_commands_work_and_lists_answer_503(database: Database, serve: Serve) -> None:
    token = clients.token(clients.create("robot", ["ledger.register_company"]))
    server = serve(READ_DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing")
    server.headers["Authorization"] = f"Bearer {token}"
    assert server.ask("POST", "/api/commands/register-company", {"name": "Acme"}).status == 201
    assert server.ask("GET", "/api/events").json()["items"][0]["payload"] == {"name": "Acme"}
    for path in ("/api/companies", "/api/journal", "/api/trial-balance", "/api/aging"):
        refused = server.ask("GET", path)
        assert (refused.status, refused.json()["type"], refused.headers["Retry-After"]) == (503, "database-away", "1")
    ready = server.ask("GET", "/readyz")
    warning = "the database 'read' does not answer: commands work without the read models, and their queries fail"
    assert (ready.status, ready.json()) == (200, {"status": "ready", "warnings": [warning]})
    shown = server.ask("GET", "/metrics").body.decode()
    assert "daybook_read_models_up 0.0" in shown
    assert "daybook_head_position 1.0" in shown


def test_a_read_database_that_hangs_is_a_warning(database: Database, serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = serve(READ_DATABASE_URL=f"postgres://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        warning = f"the database 'read' has not answered within {probes.PATIENCE_S} s"
        # On a busy machine, the database of the log may not answer in time either.
        wait_until(lambda: server.ask("GET", "/readyz").json() == {"status": "ready", "warnings": [warning]})
