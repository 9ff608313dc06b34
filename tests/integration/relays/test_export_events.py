"""Exported events are those of the log, with typed columns, whatever interrupts the export, in flat memory."""

import hashlib
import json
import os
import signal
import tracemalloc
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command

from eventstore import store
from eventstore.payloads.canonical import canonical_event
from eventstore.records import Context, NewEvent
from ledger.rules.events import FundsCredited
from projectors.queries.trial_balance import trial_balance
from relays.files import formats
from relays.files.export import Wanted, export
from tests.support.consumers.tampering import record_at_another_moment
from tests.support.databases import Database
from tests.support.forking import fork

pytestmark = pytest.mark.one_database  # the reads of the log are tested on both

ACCOUNTS = {
    "clearing_in": "coalesce(CompanyFunded.amount, AssetFunded.amount, PaymentApplied.amount)",
    "principal_receivable": "ProductOriginated.principal",
    "late_fee_income": "LateFeeIncurred.amount",
}
CURRENCY = "coalesce(CompanyFunded.currency, AssetFunded.currency, PaymentApplied.currency, ProductOriginated.currency,\
 LateFeeIncurred.currency)"


def seen_nothing(_done: int, _total: int) -> None:
    pass


def sums_of_the_trial_balance() -> dict[tuple[str, str], Decimal]:
    return {
        (line.account, line.currency): Decimal(line.credit if line.account == "late_fee_income" else line.debit).scaleb(
            -line.minor_digits
        )
        for line in trial_balance()
        if line.account in ACCOUNTS
    }


def test_duckdb_adds_up_what_the_trial_balance_says(replayed_database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    call_command("export_events", str(folder), "--events-per-file", "4000")
    database, files = duckdb.connect(), f"read_parquet('{folder}/*.parquet')"
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for account, amount in ACCOUNTS.items():
        query = f"SELECT {CURRENCY}, sum({amount}) FROM {files} WHERE {amount} IS NOT NULL GROUP BY 1"
        for currency, total in database.execute(query).fetchall():
            found[account, currency] += total
    assert dict(found) == sums_of_the_trial_balance()
    assert {account for account, _ in found} == set(ACCOUNTS)
    types = "typeof(entity), typeof(ProductOriginated.deal_uuid), typeof(ProductOriginated.due_date)"
    one = database.execute(f"SELECT {types}, typeof(ProductOriginated.principal) FROM {files} LIMIT 1").fetchone()
    assert one == ("UUID", "UUID", "DATE", "DECIMAL(38,8)")
    listed = database.execute(f"SELECT position FROM {files} ORDER BY position").fetchall()
    assert [position for (position,) in listed] == list(range(1, store.head().position + 1))
    last = next(store.read_all(backwards=True, limit=1))
    row = database.execute(f"SELECT type, payload FROM {files} WHERE position = {last.position}").fetchone()
    assert row is not None
    assert (row[0], json.loads(row[1])) == (last.type, last.payload)


def fund(events: int) -> None:
    account = f"account-{UUID(int=1)}"
    data = FundsCredited(Decimal("1.00"), "USD", UUID(int=2))
    for _ in range(events // 100):
        store.append([NewEvent(account, data)] * 100, Context("tests", "a conversation"))


def checksums(folder: Path) -> list[tuple[str, str]]:
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        assert hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    return [(file["name"], file["sha256"]) for file in manifest["files"]]


@pytest.mark.parametrize("format_", ["parquet", "jsonl"])
def test_an_export_that_is_killed_goes_on_and_ends_as_an_undisturbed_one(
    database: Database, tmp_path: Path, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(500)
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    wanted = Wanted(format_, None, None, 150)
    write = formats.FORMATS[format_]

    def dying(path: Path, events: Iterable[Any]) -> None:
        write(path, events)
        if "000000000301" in path.name:
            os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr("relays.files.export.FORMATS", {format_: dying})
        child = fork(lambda: export(killed, wanted, seen_nothing))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert len(checksums(killed)) == 2
    export(killed, wanted, seen_nothing)
    export(undisturbed, wanted, seen_nothing)
    assert checksums(killed) == checksums(undisturbed)
    assert len(checksums(killed)) == 4
    fund(100)
    assert export(killed, wanted, seen_nothing).last_position == 600
    assert {path.name for path in killed.iterdir()} == {"manifest.json", *(name for name, _ in checksums(killed))}


def test_json_lines_are_the_events_in_canonical_form_from_and_to_a_position(database: Database, tmp_path: Path) -> None:
    fund(300)
    call_command("export_events", str(tmp_path / "e"), "--format", "jsonl", "--from", "11", "--to", "250")
    lines = [line for path in sorted((tmp_path / "e").glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert lines == [canonical_event(event) for event in store.read_all(after=10, up_to=250)]


def test_a_folder_that_is_of_something_else_is_refused(database: Database, tmp_path: Path) -> None:
    fund(100)
    folder = str(tmp_path / "events")
    call_command("export_events", folder, "--to", "50")
    refused = {
        ("--format", "jsonl"): "holds parquet, not jsonl",
        ("--from", "2"): "begins at position 1, not at 2",
        ("--to", "101"): "beyond the last event, which is at position 100",
        ("--to", "none"): "--to 'none' is not allowed: it must be a whole number",
    }
    for arguments, fault in refused.items():
        with pytest.raises(CommandError, match=fault):
            call_command("export_events", folder, *arguments)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(CommandError, match=r"is not empty, it has notes\.txt"):
        call_command("export_events", str(tmp_path / "full"))
    record_at_another_moment(50)
    with pytest.raises(CommandError, match="holds another log: position 50"):
        call_command("export_events", folder)


def test_memory_does_not_grow_with_the_log(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "ROW_GROUP", 200)
    fund(4000)

    def peak(last: int) -> tuple[int, int]:
        tracemalloc.start()
        pool = pa.default_memory_pool()
        before = pool.bytes_allocated()
        export(tmp_path / str(last), Wanted("parquet", None, last, 1000), seen_nothing)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used, pool.bytes_allocated() - before

    peak(200)  # what is loaded once
    few, many = peak(1000), peak(4000)
    assert many[0] < 1.3 * few[0]
    assert many[1] <= few[1] + 100_000
