"""What a consumer sends to PostgreSQL for an event at the head of the log, by statements that are prepared once."""

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from pytest_django.fixtures import Settings

from eventstore.consumers import checkpoints
from eventstore.consumers.at_head import statements
from eventstore.consumers.loop import catch_up
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.runner import Step
from eventstore.libpq import arrays
from eventstore.libpq.pipeline import fetch_all
from eventstore.libpq.prepared import Prepared
from tests.support.databases import Database
from tests.support.ledger.portfolio import new_company
from tests.support.sent import sent

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL prepares statements")

NUMBER = Prepared(b"test_number", "SELECT 12 / %s", (arrays.BIGINT,))
TEXT = Prepared(b"test_text", "SELECT %s", (arrays.TEXT,))


def test_an_event_at_the_head_waits_seven_times_for_the_server(database: Database) -> None:
    new_company("100.00")
    catch_up("balances")
    [runner] = projector_runners(["balances"])
    assert runner.step() is Step.IDLE
    for _ in range(2):
        new_company("100.00")
        while runner.step() is Step.PROGRESSED:
            pass
    new_company()
    with sent() as counted:
        assert runner.step() is Step.PROGRESSED
    # The look, the beginning with the lock, the rows, what is new, two positions, and the commit.
    assert counted.waits == 7
    with sent() as counted:
        assert runner.step() is Step.IDLE
    assert counted.waits == 1


def test_a_look_that_falls_between_two_transactions_of_another_copy_reads_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_company("100.00")
    catch_up("balances")
    new_company("100.00")
    [runner] = projector_runners(["balances"])
    rows = checkpoints.load(("balances",), "default")
    catch_up("balances")
    new_company("100.00")
    look = statements.look
    monkeypatch.setattr(
        statements, "look", lambda *names: look(*names)._replace(rows=rows)
    )  # the rows as they were just before the rest of the answer
    assert runner.step() is Step.PROGRESSED  # it was overtaken, which the lock shows
    monkeypatch.undo()
    assert runner.step() is Step.PROGRESSED
    assert runner.step() is Step.IDLE


@pytest.mark.parametrize("are_prepared", [True, False])
def test_a_failed_statement_fails_the_call_and_the_connection_stays_usable(
    database: Database, settings: Settings, *, are_prepared: bool
) -> None:
    settings.PREPARED_STATEMENTS = are_prepared
    with pytest.raises(DatabaseError, match="division by zero"):
        fetch_all(connection, [(TEXT, ["before"]), (NUMBER, [0]), (TEXT, ["after"])])
    assert fetch_all(connection, [(TEXT, ["before"]), (NUMBER, [4]), (TEXT, [None])]) == [
        [("before",)],
        [(3,)],
        [(None,)],
    ]


def test_the_first_statements_of_a_transaction_begin_it(database: Database) -> None:
    with transaction.atomic():
        assert fetch_all(connection, [(NUMBER, [4])]) == [[(3,)]]
        [[(first,)]] = fetch_all(connection, [(Prepared(b"test_xid", "SELECT pg_current_xact_id()::text", ()), [])])
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text")
            assert cursor.fetchone() == (first,)


def test_dropped_statements_are_prepared_again(database: Database) -> None:
    assert fetch_all(connection, [(NUMBER, [4])]) == [[(3,)]]
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    assert fetch_all(connection, [(NUMBER, [4]), (NUMBER, [3])]) == [[(3,)], [(4,)]]


def test_a_lost_connection_is_an_outage(database: Database) -> None:
    assert fetch_all(connection, [(NUMBER, [4])]) == [[(3,)]]
    lost = connection.connection.info.backend_pid
    with connection.copy().cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [lost])
        other.connection.close()
    with pytest.raises(OperationalError):
        fetch_all(connection, [(NUMBER, [4]), (NUMBER, [3])])
    connection.close()
    assert fetch_all(connection, [(NUMBER, [4])]) == [[(3,)]]
