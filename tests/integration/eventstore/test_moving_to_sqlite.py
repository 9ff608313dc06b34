"""A log moves from PostgreSQL to SQLite and back and stays the same, byte by byte; only the log's owner may import."""

import io
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.loop import catch_up
from eventstore.errors import CannotImport
from eventstore.log import verification
from eventstore.moving.importing import import_log
from projectors.queries.trial_balance import trial_balance
from projectors.verification import verify
from tests.support.consumers.moving import connected_to_url, exported, imported
from tests.support.databases import Database, Databases, connected_to
from tests.support.ledger.book import charged, run_late_fees
from tests.support.ledger.paid_late import paid_late

pytestmark = pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="begins on PostgreSQL")


def test_a_log_that_moves_to_sqlite_and_back_is_the_same_and_so_is_all_that_follows_from_it(
    database: Database, databases: Databases, tmp_path: Path
) -> None:
    checkpoints.register("late_fees")
    paid_late()
    first, fees, balance = exported(), charged(), trial_balance()
    assert fees
    with connected_to_url(f"sqlite:///{tmp_path}/moved.sqlite3"):
        call_command("migrate", verbosity=0)
        assert connection.vendor == "sqlite"
        imported(first)
        second = exported()
        home.adopt(actor="op", reason="the ledger moves")
        run_late_fees()
        catch_up()
        assert charged() == fees
        assert trial_balance() == balance
        assert verification.verify(lambda _done, _total: None).events == store.head().position
        verify.verify(lambda _done, _total: None)
    back = databases.make()
    with connected_to(back):
        imported(second)
        third = exported()
        home.adopt(actor="op", reason="the ledger moves")
        run_late_fees()
        catch_up()
        assert charged() == fees
        assert trial_balance() == balance
    databases.drop(back)
    assert first == second == third


def test_a_role_that_may_not_insert_events_may_not_import(database: Database, databases: Databases) -> None:
    paid_late()
    content = exported()
    fresh = databases.make()
    with connected_to(fresh), pytest.raises(CannotImport, match="as the owner of the tables"):
        import_log(io.BytesIO(content), lambda _done, _total: None)
    databases.drop(fresh)
