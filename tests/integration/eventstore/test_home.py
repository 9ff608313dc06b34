"""A copy of a ledger does not act by itself until it is adopted; a standby that takes over is no copy."""

import io
import os
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from eventstore import home, store
from eventstore.consumers import checkpoints
from eventstore.consumers.loop import catch_up
from eventstore.consumers.status import statuses
from eventstore.errors import LedgerIsACopy, NotCaughtUp, OperationRefused
from eventstore.models import Home
from ledger.daily_cycle import cycle
from projectors.verification import verify
from tests.support.databases import Database, Databases, connected_to
from tests.support.ledger.book import Book, charged, run_late_fees
from tests.support.ledger.importer import Importer
from tests.support.ledger.invoices import Row
from tests.support.ledger.paid_late import PAID, paid_late
from tests.support.postgres.cluster import Cluster

TOMORROW = PAID + timedelta(days=2)
LATER = TOMORROW + timedelta(days=1)


@pytest.fixture
def copy(database: Database, databases: Databases) -> Iterator[Database]:
    """Connect to a copy of a ledger on which fees were charged, and whose last date is not assessed yet."""
    checkpoints.register("late_fees")
    paid_late()
    book = Book(count(100))
    book.invoice(PAID)
    book.cycle(TOMORROW)
    connection.close()
    copied = databases.copy(database)
    with connected_to(copied):
        yield copied
    databases.drop(copied)


def test_nothing_acts_on_a_copy_until_it_is_adopted_with_a_reason(copy: Database) -> None:
    head, before = store.head(), charged()
    assert before
    with pytest.raises(NotCaughtUp, match="this ledger is a copy .* run manage.py adopt_ledger"):
        catch_up("late_fees")
    with pytest.raises(CommandError, match="this ledger is a copy"):
        call_command("daily_cycle", today=LATER)
    state = next(status for status in statuses() if status.name == "late_fees")
    assert state.state == "stopped"
    assert state.error is not None
    assert "this ledger is a copy" in state.error.message
    catch_up("financial_products", "journal")
    assert store.head() == head
    with pytest.raises(CommandError, match="an adoption needs a reason"):
        call_command("adopt_ledger")
    said = io.StringIO()
    call_command("adopt_ledger", reason="the old machine is gone", actor="op", stdout=said)
    assert said.getvalue().startswith("the ledger is at home here now; before: ")
    assert Home.objects.order_by("-id").values_list("actor", "reason").first() == ("op", "the old machine is gone")
    run_late_fees()
    catch_up()
    assert len(charged()) == len(set(charged())) == len(before) + 1
    assert next(status.error for status in statuses() if status.name == "late_fees") is None
    cycle(LATER)
    verify.verify(lambda _done, _total: None)
    with pytest.raises(OperationRefused, match="nothing to adopt"):
        home.adopt(actor="op", reason="again")


def test_a_ledger_is_at_home_where_something_first_acts(database: Database) -> None:
    assert not Home.objects.exists()
    cycle(date(2026, 1, 1))
    run_late_fees()
    assert Home.objects.count() == 1
    connection.close()
    home.ensure()


def test_an_installation_of_another_name_is_another_place(database: Database, settings: Settings) -> None:
    settings.LEDGER_HOME = "production"
    home.ensure()
    home.ensure()
    settings.LEDGER_HOME = "staging"
    with pytest.raises(LedgerIsACopy, match="its home is 'production "):
        home.ensure()


def test_a_file_that_is_moved_is_no_copy(database: Database, tmp_path: Path) -> None:
    if database.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps its own files")
    home.ensure()
    connection.close()
    path = Path(database.url.removeprefix("sqlite:///"))
    moved = path.rename(path.with_name(f"moved_{path.name}"))
    with connected_to(Database(f"sqlite:///{moved}", "sqlite")):
        home.ensure()
    moved.rename(path)


@pytest.mark.skipif(os.environ.get("DAYBOOK_TEST_VENDOR") != "postgresql", reason="starts another PostgreSQL server")
def test_a_server_that_takes_over_with_the_same_data_is_no_copy(cluster: Cluster, durable_database: Database) -> None:
    home.ensure()
    connection.close()
    cluster.stop()
    with Cluster(durable=False) as other:
        other.stop()
        other.restore(cluster.backup())
        other.start()
        with connected_to(Database(durable_database.url.replace(str(cluster.root), str(other.root)), "postgresql")):
            home.ensure()


def test_an_import_of_invoices_is_refused_on_a_copy_before_it_records_anything(copy: Database, tmp_path: Path) -> None:
    head = store.head()
    with pytest.raises(CommandError, match="this ledger is a copy"):
        Importer(tmp_path / "invoices.csv")(Row("C-1", "1", LATER, LATER, "100.00", None))
    assert store.head() == head
