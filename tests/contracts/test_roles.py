"""The application's role, as which all tests run, cannot change the log in any way but an append."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, connections
from django.db.migrations.loader import MigrationLoader

from eventstore import store
from eventstore.models import Checkpoint
from eventstore.vendor_sql import run_file
from projectors.models import Balance
from tests.contracts.events import append, parcel, registered, weighed
from tests.support.databases import Database, connected_as
from tests.support.postgres.roles import APP, OWNER, READER, SUPERUSER

COLUMNS = "position, stream_id, version, type, schema_version, payload, actor, correlation_id, metadata, recorded_at"
INSERT = (
    f"INSERT INTO eventstore_event ({COLUMNS})"
    " SELECT position + 1, stream_id, version + 1, type, 1, payload, actor, correlation_id, metadata, recorded_at"
    " FROM eventstore_event ORDER BY position DESC LIMIT 1"
)
FORBIDDEN = {
    "insert": INSERT,
    "insert as the append does": f"SELECT set_config('eventstore.appending', 'on', true); {INSERT}",
    "insert with a system value": INSERT.replace(" SELECT", " OVERRIDING SYSTEM VALUE SELECT"),
    "update": "UPDATE eventstore_event SET actor = 'mallory'",
    "update by a view": "CREATE TEMP VIEW mine AS SELECT * FROM eventstore_event; UPDATE mine SET actor = 'mallory'",
    "lock rows": "SELECT * FROM eventstore_event FOR UPDATE",
    "delete": "DELETE FROM eventstore_event",
    "delete on the way": "WITH gone AS (DELETE FROM eventstore_event RETURNING 1) SELECT * FROM gone",
    "truncate": "TRUNCATE eventstore_event",
    "truncate all": "TRUNCATE eventstore_event CASCADE",
    "copy": "COPY eventstore_event FROM '/dev/null'",
    "copy from the client": "COPY eventstore_event FROM STDIN",
    "copy from a program": "CREATE TEMP TABLE mine (x text); COPY mine FROM PROGRAM 'id'",
    "merge": "MERGE INTO eventstore_event e USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE",
    "lock": "BEGIN; LOCK TABLE eventstore_event IN ACCESS EXCLUSIVE MODE",
    "disable a trigger": "ALTER TABLE eventstore_event DISABLE TRIGGER event_is_append_only",
    "disable all triggers": "ALTER TABLE eventstore_event DISABLE TRIGGER ALL",
    "drop a trigger": "DROP TRIGGER event_is_append_only ON eventstore_event",
    "add a trigger": "CREATE TRIGGER mine BEFORE INSERT ON eventstore_event EXECUTE FUNCTION eventstore_refuse_gap()",
    "add a rule": "CREATE RULE mine AS ON INSERT TO eventstore_event DO INSTEAD NOTHING",
    "add a policy": "CREATE POLICY mine ON eventstore_event USING (false)",
    "add an index": "CREATE INDEX mine ON eventstore_event (actor)",
    "add a column": "ALTER TABLE eventstore_event ADD COLUMN mine int",
    "add rows by inheritance": "CREATE TEMP TABLE mine () INHERITS (public.eventstore_event)",
    "drop": "DROP TABLE eventstore_event CASCADE",
    "rename": "ALTER TABLE eventstore_event RENAME TO other",
    "own": "ALTER TABLE eventstore_event OWNER TO daybook_app",
    "own all": "REASSIGN OWNED BY daybook TO daybook_app",
    "drop all": "DROP OWNED BY daybook",
    "grant": "GRANT ALL ON eventstore_event TO daybook_app WITH GRANT OPTION; UPDATE eventstore_event SET actor = ''",
    "grant what comes": "ALTER DEFAULT PRIVILEGES FOR ROLE daybook GRANT ALL ON TABLES TO daybook_app",
    "be a replica": "SET session_replication_role = replica",
    "be a replica next time": "ALTER ROLE daybook_app SET session_replication_role = replica",
    "be the superuser": "SET ROLE postgres",
    "be the owner": "SET ROLE daybook",
    "log in as the owner": "SET SESSION AUTHORIZATION daybook",
    "join the owner": "GRANT daybook TO daybook_app",
    "make a role": "CREATE ROLE mine SUPERUSER",
    "make itself a superuser": "ALTER ROLE daybook_app SUPERUSER",
    "change the catalog": "UPDATE pg_catalog.pg_class SET relowner = 1 WHERE relname = 'eventstore_event'",
    "change the server": "ALTER SYSTEM SET session_replication_role = replica",
    "change the database": "ALTER DATABASE postgres SET session_replication_role = replica",
    "read a file of the server": "SELECT pg_read_file('postgresql.conf')",
    "read a file as a large object": "SELECT lo_import('/etc/passwd')",
    "write a file from a large object": "SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/mine')",
    "change the append": "ALTER FUNCTION eventstore_append SECURITY INVOKER",
    "change the append's path": "ALTER FUNCTION eventstore_append RESET search_path",
    "drop the append": "DROP FUNCTION eventstore_append",
    "change the append of one event": "ALTER FUNCTION eventstore_append_one SECURITY INVOKER",
    "replace the guard": "CREATE OR REPLACE FUNCTION eventstore_refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "drop the guard": "DROP FUNCTION eventstore_refuse_change CASCADE",
    "a function of its own in the schema": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a table of its own in the schema": "CREATE TABLE public.mine (x int)",
    "a schema of its own": "CREATE SCHEMA mine",
    "drop the schema": "DROP SCHEMA public CASCADE",
    "drop an extension": "DROP EXTENSION plpgsql CASCADE",
    "a publication": "CREATE PUBLICATION mine FOR TABLE eventstore_event",
    "a subscription": "CREATE SUBSCRIPTION mine CONNECTION '' PUBLICATION mine WITH (connect = false)",
    "a key of its own": "INSERT INTO eventstore_recordedkey (scope, key, fingerprint, first_position, last_position,"
    " recorded_at) VALUES ('', '', '', 1, 1, now())",
    "another key": "UPDATE eventstore_recordedkey SET fingerprint = ''",
    "another migration": "INSERT INTO django_migrations (app, name, applied) VALUES ('eventstore', '9999', now())",
}
SECRETS = ("SELECT * FROM auth_user", "SELECT * FROM oauth2_provider_application", "SELECT * FROM django_session")


@pytest.fixture
def postgresql(database: Database) -> Database:
    if database.vendor != "postgresql":
        pytest.skip("roles are PostgreSQL's")
    return database


def refused(statement: str) -> bool:
    """Run a statement in a transaction of its own; return whether the role's rights did not suffice."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement, None)
        except DatabaseError as error:
            return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
        return False


@pytest.mark.usefixtures("postgresql")
def test_the_application_cannot_change_the_log_but_by_an_append() -> None:
    assert current_role() == APP
    append(registered(parcel()))
    before = list(store.read_all())
    for statement in FORBIDDEN.values():
        assert refused(statement), statement
        connection.close()  # what a statement left in its session
    assert list(store.read_all()) == before


def current_role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role: str = cursor.fetchone()[0]
    return role


@pytest.mark.usefixtures("postgresql")
def test_a_table_of_the_caller_is_not_taken_for_the_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE eventstore_event (LIKE public.eventstore_event INCLUDING ALL)")
        cursor.execute("SET search_path = pg_temp, public")
        append(registered(parcel()))
        cursor.execute("SELECT (SELECT count(*) FROM public.eventstore_event), count(*) FROM pg_temp.eventstore_event")
        assert cursor.fetchone() == (1, 0)


@pytest.mark.usefixtures("postgresql")
def test_a_migration_that_replaces_the_append_leaves_its_rights() -> None:
    with connected_as(OWNER), connection.schema_editor() as editor:
        run_file("append")(MigrationLoader(connection).project_state().apps, editor)
    append(registered(parcel()))
    append(registered(parcel()), weighed(parcel()))
    assert all(map(refused, (INSERT, FORBIDDEN["change the append's path"])))
    with connection.cursor() as cursor:
        names = ["eventstore_append", "eventstore_append_one"]
        cursor.execute("SELECT prosecdef, proconfig FROM pg_proc WHERE proname = ANY (%s)", [names])
        assert cursor.fetchall() == [(True, ["search_path=pg_catalog, public, pg_temp"])] * 2


@pytest.mark.usefixtures("postgresql")
def test_each_migration_ends_with_the_rights_to_new_tables() -> None:
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE projectors_new (x int); CREATE TABLE ledger_new (id bigserial)")
        cursor.execute("GRANT ALL ON eventstore_event TO daybook_app")
        call_command("migrate", verbosity=0)
    append(registered(parcel()))
    assert refused(FORBIDDEN["update"])
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO projectors_new VALUES (1); INSERT INTO ledger_new DEFAULT VALUES")
    with connected_as(READER), connection.cursor() as cursor:
        cursor.execute("SELECT x FROM projectors_new")
        assert cursor.fetchall() == [(1,)]
        assert refused("SELECT * FROM ledger_new")


def test_the_database_of_the_read_models_has_its_roles_too(postgresql: Database, read_database: Database) -> None:
    assert postgresql.vendor == read_database.vendor
    with connected_as(SUPERUSER, "read"), connections["read"].cursor() as cursor:
        cursor.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM daybook_app, daybook_reader")
    with connected_as(SUPERUSER), connected_as(SUPERUSER, "read"):
        call_command("create_database_roles")
        call_command("create_database_roles")  # it can be run again
    assert not Balance.objects.exists()
    Checkpoint.objects.all().delete()
    with connected_as(READER, "read"):
        assert not Balance.objects.exists()


@pytest.mark.usefixtures("postgresql")
def test_a_reader_reads_the_log_and_no_secrets() -> None:
    append(registered(parcel()))
    with connected_as(READER):
        assert store.head().position == 1
        for statement in (*SECRETS, *FORBIDDEN.values()):
            assert refused(statement), statement
            connection.close()
        with pytest.raises(ProgrammingError):
            append(registered(parcel()))


def test_sqlite_has_no_roles(database: Database) -> None:
    if database.vendor == "sqlite":
        with pytest.raises(CommandError, match="SQLite, which has no roles"):
            call_command("create_database_roles")
