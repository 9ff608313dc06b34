"""The application's role can do all that Daybook does, and cannot change the log in any other way."""

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.log.verification import verify
from projectors.catalog import PROJECTORS
from tests.contracts.events import append, parcel, registered
from tests.support.api.calling import Api, new_token
from tests.support.databases import Database, connected_to
from tests.support.ledger.book import Book, run_late_fees

COLUMNS = "position, stream_id, version, type, schema_version, payload, actor, correlation_id, metadata, recorded_at"
INSERT = (
    f"INSERT INTO eventstore_event ({COLUMNS})"
    " SELECT position + 1, stream_id, version + 1, type, 1, payload, actor, correlation_id, metadata, recorded_at"
    " FROM eventstore_event ORDER BY position DESC LIMIT 1"
)
FORBIDDEN = {
    "insert": INSERT,
    "insert as the append does": f"SELECT set_config('eventstore.appending', 'on', true); {INSERT}",
    "update": "UPDATE eventstore_event SET actor = 'mallory'",
    "delete": "DELETE FROM eventstore_event",
    "truncate": "TRUNCATE eventstore_event",
    "truncate all": "TRUNCATE eventstore_event CASCADE",
    "copy": "COPY eventstore_event FROM '/dev/null'",
    "copy from the client": "COPY eventstore_event FROM STDIN",
    "merge": "MERGE INTO eventstore_event e USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE",
    "lock": "LOCK TABLE eventstore_event IN ACCESS EXCLUSIVE MODE",
    "disable a trigger": "ALTER TABLE eventstore_event DISABLE TRIGGER event_is_append_only",
    "disable all triggers": "ALTER TABLE eventstore_event DISABLE TRIGGER ALL",
    "drop a trigger": "DROP TRIGGER event_is_append_only ON eventstore_event",
    "add a trigger": "CREATE TRIGGER mine BEFORE INSERT ON eventstore_event EXECUTE FUNCTION eventstore_refuse_gap()",
    "add a rule": "CREATE RULE mine AS ON INSERT TO eventstore_event DO INSTEAD NOTHING",
    "drop": "DROP TABLE eventstore_event CASCADE",
    "rename": "ALTER TABLE eventstore_event RENAME TO other",
    "own": "ALTER TABLE eventstore_event OWNER TO daybook_app",
    "grant": "GRANT ALL ON eventstore_event TO daybook_app WITH GRANT OPTION; UPDATE eventstore_event SET actor = ''",
    "be a replica": "SET session_replication_role = replica",
    "be another": "SET ROLE postgres",
    "replace the append": "ALTER FUNCTION eventstore_append SECURITY INVOKER",
    "replace the guard": "CREATE OR REPLACE FUNCTION eventstore_refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "a table of its own in the schema": "CREATE TABLE mine (x int)",
    "a key of its own": "INSERT INTO eventstore_recordedkey (scope, key, fingerprint, first_position, last_position,"
    " recorded_at) VALUES ('', '', '', 1, 1, now())",
}


def _as_role(database: Database, role: str) -> Database:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER ROLE {role} LOGIN")
    return Database(database.url.replace("postgres@", f"{role}@"), database.vendor)


@pytest.fixture
def with_roles(database: Database) -> Database:
    if database.vendor != "postgresql":
        pytest.skip("roles are PostgreSQL's")
    call_command("create_database_roles")
    call_command("create_database_roles")  # it can be run again
    return database


@pytest.fixture
def as_app(with_roles: Database) -> Iterator[Database]:
    app = _as_role(with_roles, "daybook_app")
    with connected_to(app):
        yield app


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
@pytest.mark.usefixtures("as_app")
def test_the_application_cannot_change_the_log_but_by_an_append(statement: str) -> None:
    append(registered(parcel()))
    before = list(store.read_all())
    with pytest.raises(ProgrammingError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, None)
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert list(store.read_all()) == before


@pytest.mark.usefixtures("as_app")
def test_a_table_of_the_caller_is_not_taken_for_the_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE eventstore_event (LIKE public.eventstore_event INCLUDING ALL)")
        cursor.execute("SET search_path = pg_temp, public")
        append(registered(parcel()))
        cursor.execute("SELECT (SELECT count(*) FROM public.eventstore_event), count(*) FROM pg_temp.eventstore_event")
        assert cursor.fetchone() == (1, 0)


@pytest.mark.usefixtures("as_app")
def test_the_application_works() -> None:
    run_late_fees()
    book = Book()
    book.invoice(date(2024, 3, 1), "1234.50")
    book.cycle(date(2024, 3, 4))
    run_late_fees()
    catch_up(*(projector.name for projector in PROJECTORS))
    call_command("rebuild_projector", "aging")
    call_command("expire_idempotency_keys")
    api = Api(new_token("robot"))
    uuid = str(uuid4())
    body = {"company_uuid": uuid, "name": "Bakery"}
    assert api.command("register-company", body).status_code in (200, 201)
    assert api.get(f"/api/companies/{uuid}").status_code == 200
    assert api.get("/api/events").status_code == 200
    browser = Client()
    browser.force_login(User.objects.create_superuser("root", password="secret"))
    assert browser.get("/admin/").status_code == 200
    verify(lambda *_: None)


def test_a_reader_reads_the_log_and_no_secrets(with_roles: Database) -> None:
    append(registered(parcel()))
    with connected_to(_as_role(with_roles, "daybook_reader")):
        assert store.head().position == 1
        for statement in ("SELECT * FROM auth_user", "SELECT * FROM oauth2_provider_application", *FORBIDDEN.values()):
            with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, None)
        with pytest.raises(ProgrammingError):
            append(registered(parcel()))


def test_sqlite_has_no_roles(database: Database) -> None:
    if database.vendor == "sqlite":
        with pytest.raises(CommandError, match="SQLite, which has no roles"):
            call_command("create_database_roles")
