"""Two years of real invoices and a few weeks of made-up ones incur exactly the late fees that the files imply."""

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from eventstore import store
from projectors.models import FinancialProduct, LateRecordedFee
from projectors.queries.aging import as_known_then
from tests.support.databases import Database, Databases
from tests.support.ledger.invoices import (
    Row,
    as_exported_on,
    assert_known_now,
    assert_recorded,
    content,
    counted,
    last_date,
    made_up,
)
from tests.support.ledger.replay import GIVEN, real_invoices
from tests.support.patience import wait_until
from tests.support.processes import RunManage, StartManage
from tests.support.rounds import PROVES, rounds

LATE_FEES = ("run_processmanager", "late_fees")

MANY = 1_000
"""Enough invoices for a run to be killed before its end, also on a busy machine."""


@pytest.fixture
def rows() -> list[Row]:
    return made_up()


@pytest.fixture
def path(rows: list[Row], tmp_path: Path) -> str:
    return written(tmp_path / "invoices.csv", rows)


def written(path: Path, rows: list[Row]) -> str:
    path.write_text(content(rows))
    return str(path)


def more_than(before: int, type_name: str) -> bool:
    return counted(type_name) > before


def assert_records_nothing_more(run_manage: RunManage, path: str) -> None:
    before = store.head()
    assert (
        "recorded: 0 dates, 0 companies, 0 deals, 0 invoices, 0 settlements"
        in run_manage("import_receivables", path).stdout
    )
    assert store.head() == before


def test_late_fees_run_after_the_import_charges_every_day_late(
    database: Database, rows: list[Row], path: str, run_manage: RunManage
) -> None:
    run_manage("import_receivables", path, "--without-late-fees")
    run_manage(*LATE_FEES, "--once")
    assert_recorded(rows)
    assert_records_nothing_more(run_manage, path)
    run_manage("run_projector", "--once")
    assert_known_now(rows)
    assert not any(line.fees for line in as_known_then(last_date(rows)))


def test_late_fees_run_during_the_import_charges_every_day_late(
    database: Database, rows: list[Row], path: str, run_manage: RunManage, start_manage: StartManage
) -> None:
    late_fees = start_manage(*LATE_FEES)
    run_manage("import_receivables", path)
    wait_until(lambda: counted("LateFeesAssessed") == counted("SystemCycled"))
    late_fees.send_signal(signal.SIGTERM)
    assert late_fees.wait() == 0, late_fees.errors()
    assert_recorded(rows)


def test_late_fees_killed_repeatedly_charges_every_day_late(
    database: Database, tmp_path: Path, run_manage: RunManage, start_manage: StartManage
) -> None:
    rows = made_up(MANY)
    path = written(tmp_path / "invoices.csv", rows)
    run_manage("import_receivables", path, "--without-late-fees")
    chance = random.Random(7)
    kills = 0
    while counted("LateFeesAssessed") < counted("SystemCycled") and kills < rounds(5):
        before = counted("LateFeesAssessed")
        late_fees = start_manage(*LATE_FEES)
        wait_until(partial(more_than, before, "LateFeesAssessed"), every=0.001)
        time.sleep(chance.uniform(0, 0.01))
        late_fees.kill_group()
        kills += 1
    assert kills > 1
    run_manage(*LATE_FEES, "--once")
    assert_recorded(rows)


def test_an_import_killed_repeatedly_continues_where_it_ended(
    database: Database, tmp_path: Path, run_manage: RunManage, start_manage: StartManage
) -> None:
    rows = made_up(MANY)
    path = written(tmp_path / "invoices.csv", rows)
    chance = random.Random(11)
    for number in range(rounds(3)):
        before = counted("AssetRegistered")
        importing = start_manage("import_receivables", path)
        wait_until(partial(more_than, before, "AssetRegistered"), every=0.001)
        time.sleep(chance.uniform(0, 0.05))
        if number:
            importing.kill_group()
        else:
            importing.send_signal(signal.SIGTERM)
            assert importing.wait() == 130
            assert "interrupted; run the import again to go on" in importing.errors()
    assert counted("ProductOriginated") < len(rows)
    run_manage("import_receivables", path)
    run_manage(*LATE_FEES, "--once")
    assert_recorded(rows)


def test_two_imports_of_one_file_at_the_same_time_record_it_once(
    database: Database, rows: list[Row], path: str, run_manage: RunManage, start_manage: StartManage
) -> None:
    imports = [start_manage("import_receivables", path) for _ in range(2)]
    ended = [importing.wait() for importing in imports]
    assert 0 in ended, [importing.errors() for importing in imports]
    run_manage("import_receivables", path)
    run_manage(*LATE_FEES, "--once")
    assert_recorded(rows)


def test_a_longer_export_of_the_same_source_continues_where_the_last_one_ended(
    database: Database, rows: list[Row], path: str, tmp_path: Path, run_manage: RunManage
) -> None:
    middle = sorted(row.invoice_date for row in rows)[len(rows) // 2]
    run_manage("import_receivables", written(tmp_path / "earlier.csv", as_exported_on(middle, rows)))
    run_manage("import_receivables", path)
    run_manage(*LATE_FEES, "--once")
    assert_recorded(rows)


def test_read_models_may_be_in_another_database(
    database: Database, databases: Databases, tmp_path: Path, run_manage: RunManage
) -> None:
    other = databases.make()
    elsewhere = {"READ_DATABASE_URL": other.url}
    rows = made_up(30)
    run_manage("import_receivables", written(tmp_path / "invoices.csv", rows), env=elsewhere)
    run_manage(*LATE_FEES, "--once", env=elsewhere)
    assert_recorded(rows)
    assert not FinancialProduct.objects.using("default").exists()
    databases.drop(other)


@pytest.mark.skipif(not GIVEN.exists(), reason=f"{GIVEN} is not there; RECEIVABLES_CSV may name another place")
@pytest.mark.skipif(
    os.environ["DAYBOOK_TEST_VENDOR"] == "sqlite" and not PROVES,
    reason="on SQLite made-up invoices are enough, unless it is make prove",
)
def test_two_years_of_real_invoices_incur_exactly_the_late_fees_of_the_file(
    replayed_database: Database, run_manage: RunManage
) -> None:
    assert counted("SystemCycled") == counted("LateFeesAssessed") == 738
    assert counted("ProductOriginated") == 2466
    assert counted("LateFeeIncurred") == 8489
    rows = real_invoices()
    assert sum(row.days_late for row in rows) == 8489
    assert sum(row.days_late > 0 for row in rows) == 877
    assert_recorded(rows)
    assert_records_nothing_more(run_manage, str(GIVEN))
    assert LateRecordedFee.objects.exists()
    assert_known_now(rows)
    assert "customers: " in run_manage("verify_ledger").stdout
    assert last_date(rows).isoformat() == "2014-01-09"
