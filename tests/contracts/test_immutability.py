"""The database itself refuses every change of the log, from any connection."""

import sqlite3

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, models, transaction

from eventstore.errors import LogDamaged
from eventstore.log.verification import verify
from eventstore.models import Event
from tests.contracts.events import append, parcel, registered, weighed
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("as_superuser")
COLUMNS = "position, stream_id, version, type, schema_version, payload, actor, correlation_id, metadata, recorded_at"
CHANGES = {
    "an update": "UPDATE eventstore_event SET actor = 'mallory'",
    "an update of one row": "UPDATE eventstore_event SET payload = '{}' WHERE position = 1",
    "a delete": "DELETE FROM eventstore_event",
    "a delete of one row": "DELETE FROM eventstore_event WHERE position = 2",
}
POSTGRESQL_CHANGES = {
    "a truncate": "TRUNCATE eventstore_event",
    "a truncate with all that hangs on it": "TRUNCATE eventstore_event CASCADE",
    "an upsert": f"INSERT INTO eventstore_event ({COLUMNS}) SELECT {COLUMNS} FROM eventstore_event"
    " ON CONFLICT (position) DO UPDATE SET actor = 'mallory'",
    "an update as a replica": "SET session_replication_role = replica; UPDATE eventstore_event SET actor = 'mallory'",
    "a delete as a replica": "SET session_replication_role = replica; DELETE FROM eventstore_event",
    "a truncate as a replica": "SET session_replication_role = replica; TRUNCATE eventstore_event",
}
SQLITE_CHANGES = {
    "a replacement": f"INSERT OR REPLACE INTO eventstore_event ({COLUMNS}) SELECT {COLUMNS} FROM eventstore_event",
    "a replacement at the same position": "REPLACE INTO eventstore_event (" + COLUMNS + ") VALUES (1, 'parcel-x', 9,"
    " 'ParcelWeighed', 1, '{}', 'mallory', 'c', '{}', '2026-01-01')",
    "a replacement of the same version": f"INSERT OR REPLACE INTO eventstore_event ({COLUMNS}) SELECT 99, stream_id,"
    " version, type, schema_version, payload, 'mallory', correlation_id, metadata, recorded_at FROM eventstore_event"
    " WHERE position = 1",
    "an upsert of SQLite": f"INSERT INTO eventstore_event ({COLUMNS}) SELECT {COLUMNS} FROM eventstore_event WHERE true"
    " ON CONFLICT (position) DO UPDATE SET actor = 'mallory'",
}


@pytest.mark.parametrize("change", [*CHANGES, *POSTGRESQL_CHANGES, *SQLITE_CHANGES])
def test_no_connection_can_change_what_was_recorded(database: Database, change: str) -> None:
    own = POSTGRESQL_CHANGES if database.vendor == "postgresql" else SQLITE_CHANGES
    statements = {**CHANGES, **own}
    if change not in statements:
        pytest.skip("a change that this database does not know")
    stream = parcel()
    append(registered(stream), weighed(stream))
    before = list(Event.objects.values_list())
    with pytest.raises((psycopg.Error, sqlite3.Error), match="append-only"):
        _run_elsewhere(database, statements[change])
    if database.vendor == "sqlite" or "SET " not in statements[change]:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statements[change])
    assert list(Event.objects.values_list()) == before


@pytest.mark.parametrize(("position", "version"), [(3, 1), (5, 2), (2, 3), (0, 2), (-1, 2)])
def test_no_connection_can_insert_an_event_that_is_not_the_next(
    database: Database, position: int, version: int
) -> None:
    append(registered(parcel()))
    statement = (
        f"INSERT INTO eventstore_event ({COLUMNS}) SELECT {position}, stream_id, {version}, type, schema_version,"
        " payload, actor, correlation_id, metadata, recorded_at FROM eventstore_event"
    )
    with pytest.raises((psycopg.Error, sqlite3.Error), match="append-only"):
        _run_elsewhere(database, statement)
    assert Event.objects.count() == 1
    append(registered(parcel()))


def test_an_insert_through_the_model_must_continue_the_log_too(database: Database) -> None:
    append(registered(parcel()))
    event = Event.objects.get()
    event.position = 5
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        models.Model.save_base(event, force_insert=True)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event._base_manager.bulk_create([event])


@pytest.mark.parametrize(
    "target", ["zero", *(pytest.param(target, marks=pytest.mark.one_database) for target in ("0001", "0002"))]
)
def test_the_migrations_of_the_log_cannot_be_reversed(database: Database, target: str) -> None:
    append(registered(parcel()))
    with pytest.raises(CommandError, match="cannot be reversed"):
        call_command("migrate", "eventstore", target, verbosity=0)
    assert Event.objects.count() == 1
    with pytest.raises((psycopg.Error, sqlite3.Error), match="append-only"):
        _run_elsewhere(database, CHANGES["a delete"])


def test_a_row_trigger_refuses_changes_by_replication(database: Database) -> None:
    if database.vendor != "postgresql":
        pytest.skip("SQLite has row triggers only")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'eventstore_event'::regclass AND tgenabled = 'A'"
            " AND tgname = 'event_row_is_append_only' AND tgtype & 1 = 1"
        )
        assert cursor.fetchone()[0] == 1


def test_verification_names_a_missing_trigger(database: Database) -> None:
    append(registered(parcel()))
    with unguarded():
        pass
    with pytest.raises(LogDamaged, match="trigger event_continues_the_log of eventstore_event is missing"):
        verify(lambda _done, _of: None)


def test_a_stream_cannot_have_one_version_twice(database: Database) -> None:
    stream = parcel()
    append(registered(stream))
    second = (
        f"INSERT INTO eventstore_event ({COLUMNS}) SELECT 2, stream_id, version, type, schema_version, payload, actor,"
        " correlation_id, metadata, recorded_at FROM eventstore_event"
    )
    with pytest.raises((psycopg.Error, sqlite3.Error), match=r"event_stream_id_version_unique|append-only"):
        _run_elsewhere(database, second)
    constraints = {constraint.name for constraint in Event._meta.constraints}
    assert "event_stream_id_version_unique" in constraints


def _run_elsewhere(database: Database, statement: str) -> None:
    """Run a statement on a connection outside Django."""
    if database.vendor == "postgresql":
        parameters = connection.get_connection_params()
        with psycopg.connect(
            host=parameters["host"], dbname=parameters["dbname"], user=parameters.get("user"), autocommit=True
        ) as raw:
            raw.execute(statement)
    else:
        raw_sqlite = sqlite3.connect(connection.settings_dict["NAME"])
        try:
            with raw_sqlite:
                raw_sqlite.execute(statement)
        finally:
            raw_sqlite.close()
