"""An exported log is imported into another database whole and unchanged, or not at all."""

import gzip
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from eventstore import home, store
from eventstore.consumers import checkpoints, operator_actions
from eventstore.consumers.loop import catch_up
from eventstore.errors import CannotExport, CannotImport, FaultyExport, NotCaughtUp
from eventstore.log import verification
from eventstore.models import Checkpoint, OperatorAction, RecordedKey
from eventstore.moving import files, importing
from eventstore.moving.lines import LineReader
from eventstore.records import Context, IdempotencyKey, NewEvent
from ledger.rules.events import CompanyRegistered
from projectors.verification import verify
from tests.support.consumers.moving import compressed, edited, exported, imported
from tests.support.consumers.tampering import delete_event
from tests.support.databases import Database, Databases, connected_as, connected_to
from tests.support.ledger.book import Book, charged, late_fees
from tests.support.ledger.paid_late import PAID, paid_late
from tests.support.postgres.roles import OWNER

KEY = IdempotencyKey("1 register-company", "a key", "f" * 64)
COMPANY = "company-00000000-0000-4000-8000-000000000001"


def seen(_done: int, _total: int) -> None:
    """Show nothing."""


def play() -> None:
    """Record a ledger with fees, odd texts, a key, a process manager within its answer, and an operator's actions."""
    checkpoints.register("late_fees")
    paid_late()
    context = Context("Zoë", "odd", 1, {"ratio": 0.5, "much": 1e21, "né": "\u2028", "a": [1, None, True]})
    store.append([NewEvent(COMPANY, CompanyRegistered("Ünïcode “Ltd”"))], context, key=KEY)
    operator_actions.pause("journal", actor="op", reason="a disk")
    operator_actions.resume("journal", actor="op")
    book = Book(count(100))
    book.invoices(5, PAID)
    book.cycle(PAID + timedelta(days=2))
    catch_up("financial_products")
    runner = late_fees()
    runner.size.limit = 2
    while Checkpoint.objects.get(name="late_fees").progress is None:
        runner.step()
        runner.size.limit = 2


@contextmanager
def another(databases: Databases) -> Iterator[Database]:
    """Connect Django to a new database."""
    fresh = databases.make()
    with connected_to(fresh):
        yield fresh
    databases.drop(fresh)


def test_an_imported_log_is_the_same_log_and_its_fees_are_charged_once(
    database: Database, databases: Databases
) -> None:
    play()
    operator_actions.pause("late_fees", actor="op", reason="the log moves")
    content, events, fees = exported(), list(store.read_all()), charged()
    actions = list(OperatorAction.objects.order_by("id").values_list("consumer", "action", "actor", "reason", "at"))
    assert fees
    with another(databases):
        checkpoints.register("late_fees")  # as `make run` does before anything is recorded
        imported(compressed(content))
        assert list(store.read_all()) == events
        assert exported() == content
        found = list(OperatorAction.objects.order_by("id").values_list("consumer", "action", "actor", "reason", "at"))
        assert found == actions
        assert store.recorded_under(KEY) is not None
        assert RecordedKey.objects.get().fingerprint == KEY.fingerprint
        assert verification.verify(seen).events == len(events)
        operator_actions.resume("late_fees", actor="op")
        with pytest.raises(NotCaughtUp, match=r"this ledger is a copy \(it was imported\)"):
            catch_up("late_fees")
        assert charged() == fees
        home.adopt(actor="op", reason="the ledger has moved")
        catch_up()
        verify.verify(seen)
        after = charged()
        assert len(after) == len(set(after)) == len(fees) + 3  # the answer that was begun is finished
        Book().cycle(PAID + timedelta(days=3))  # the log goes on


def test_an_export_is_refused_by_a_log_that_is_not_empty(database: Database) -> None:
    paid_late()
    with pytest.raises(CannotImport, match="not empty"):
        imported(exported())


def test_an_export_of_a_log_with_a_hole_is_refused(database: Database) -> None:
    paid_late()
    delete_event(3)
    with pytest.raises(CannotExport, match="hole after position"):
        exported()


def test_a_skip_that_a_rebuild_has_retried_does_not_apply_again(database: Database) -> None:
    paid_late()
    for position in (3, 4):
        Checkpoint.objects.filter(name="journal").update(error_position=position, position=position - 1)
        operator_actions.skip("journal", position, actor="op", reason="why")
    retried = OperatorAction.objects.get(position=3).pk
    Checkpoint.objects.filter(name="journal").update(progress={"skips_since": retried})
    lines = [value for _, value in LineReader(io.BytesIO(exported()))]
    assert [line["position"] for line in lines if line.get("action") == "skip"] == [4]


Lines = list[dict[str, Any]]


def put(number: int, **fields: Any) -> Callable[[Lines], None]:
    """Return an edit that changes fields of a line."""

    def edit(lines: Lines) -> None:
        lines[number - 1] |= fields

    return edit


def of_kind(kind: str, **fields: Any) -> Callable[[Lines], None]:
    """Return an edit that changes fields of the first line of a kind."""

    def edit(lines: Lines) -> None:
        next(line for line in lines if line.get("kind") == kind).update(fields)

    return edit


def without(number: int) -> Callable[[Lines], None]:
    """Return an edit that removes a line."""

    def edit(lines: Lines) -> None:
        del lines[number - 1]

    return edit


def twice(number: int) -> Callable[[Lines], None]:
    """Return an edit that repeats a line."""

    def edit(lines: Lines) -> None:
        lines.insert(number, dict(lines[number - 1]))

    return edit


WRONG: dict[str, tuple[Callable[[Lines], None], str]] = {
    "another format": (put(1, format="other"), r"line 1: the format is other 1; this code reads daybook-log 1"),
    "a newer format": (put(1, format_version=2), r"line 1: the format is daybook-log 2"),
    "no header": (without(1), r"line 1: the first line, and only the first, is the header"),
    "two headers": (twice(1), r"line 2: "),
    "a hole": (without(4), r"line 4: the event is at position 4 where 3 is next"),
    "a repeated event": (twice(4), r"line 5: the event is at position 3 where 4 is next"),
    "a version that is not next": (put(5, version=7), r"line 5: .* has version 7 where \d is next"),
    "an unknown type": (put(5, type="Nothing"), r"line 5: Nothing .* was recorded by newer code"),
    "a newer schema version": (put(5, schema_version=99), r"line 5: .* schema version 99 .* newer code"),
    "another category": (put(5, stream_id="grant-" + COMPANY[8:]), r"line 5: .* occurs in streams of"),
    "a stream id that is none": (put(5, stream_id="Grant"), r"line 5: 'Grant' is not a stream id"),
    "a payload of another shape": (put(5, payload={"nothing": 1}), r"line 5: .* is not readable"),
    "a position that is text": (put(5, position="4"), r"line 5: the line is not an event in canonical form"),
    "a version that is a float": (put(5, version=1.5), r"line 5: the line is not an event in canonical form"),
    "an actor that is a number": (put(5, actor=5), r"line 5: the line is not an event in canonical form"),
    "no moment": (put(5, recorded_at=None), r"line 5: the line is not an event"),
    "a moment in the future": (put(5, recorded_at="2999-01-01T00:00:00.000000Z"), r"line 5: .* in the future"),
    "an empty actor": (put(5, actor=" "), r"line 5: actor or correlation_id is empty"),
    "a long actor": (put(5, actor="x" * 201), r"line 5: .* actor has 201 characters"),
    "a NUL": (put(5, actor="a\0"), r"line 5: .* contains the character NUL"),
    "metadata that is a list": (put(5, metadata=[]), r"line 5: metadata is not an object"),
    "a member more": (put(5, more=1), r"line 5: the line is not an event in canonical form"),
    "an unknown kind": (put(5, kind="other"), r"line 5: a line of kind other is not allowed here"),
    "a key beyond the head": (of_kind("idempotency_key", last_position=10**6), r"line \d+: the key belongs to"),
    "a key with a field more": (of_kind("idempotency_key", more=1), r"line \d+: it is not a line of kind"),
    "a checkpoint beyond the head": (of_kind("process_manager", position=10**6), r"line \d+: the checkpoint of late"),
    "a process manager that is a projector": (of_kind("process_manager", name="journal"), r"line \d+: journal is a pr"),
    "an unknown action": (of_kind("operator_action", action="fire"), r"line \d+: 'fire' is not an action"),
    "a wrong count": (of_kind("footer", events=1), r"line \d+: the footer does not fit"),
    "lines after the footer": (lambda lines: lines.append(dict(lines[-1])), r"line \d+: a line of kind footer is not"),
}


@pytest.fixture(scope="module")
def whole(databases: Databases) -> bytes:
    """Return the export of a ledger."""
    with another(databases):
        play()
        return exported()


@pytest.fixture
def empty(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connect to an empty log, into which events are inserted three at a time; it must be empty in the end."""
    monkeypatch.setattr(importing, "_BATCH", 3)
    with another(databases):
        yield
        assert store.head().position == 0
        assert not RecordedKey.objects.exists()
        assert not Checkpoint.objects.exists()
        assert not OperatorAction.objects.exists()


def test_each_line_that_cannot_be_of_a_log_is_named_and_nothing_is_imported(whole: bytes, empty: None) -> None:
    wrong = {}
    for name, (edit, message) in WRONG.items():
        with pytest.raises(FaultyExport) as error:
            imported(edited(whole, edit))
        if not re.search(message, str(error.value)):
            wrong[name] = str(error.value)
    assert wrong == {}


def test_a_file_that_was_changed_anywhere_names_the_line(whole: bytes, empty: None) -> None:
    lines = whole.splitlines(keepends=True)
    changed = lines[6].replace(b'"position":6', b'"position":7')
    moved = [*lines[:6], lines[7], lines[6], *lines[8:]]
    cut = b"".join(lines)[: -len(lines[-1]) - 20]
    packed = compressed(whole)
    for content, line in (
        (b"".join([*lines[:6], changed, *lines[7:]]), "line 7: its check is wrong"),
        (b"".join(moved), "line 7: its check is wrong"),
        (b"".join([*lines[:6], *lines[7:]]), "line 7: its check is wrong"),
        (b"".join(lines[:-1]), f"line {len(lines)}: the file ends before its footer"),
        (cut, f"line {len(lines) - 1}: the line is not whole"),
        (packed[:-200], "the file is not whole"),
        (packed[:2000] + b"\0\0\0\0" + packed[2004:], "line"),
        (b"", "line 1: the file ends before its footer"),
        (b"position,stream\n1,a\n", "line 1: the line is not whole, or the file is not an exported log"),
    ):
        with pytest.raises(FaultyExport, match=line):
            imported(content)


def test_the_commands_write_a_file_and_read_it(database: Database, databases: Databases, tmp_path: Path) -> None:
    paid_late()
    file = tmp_path / "log.jsonl.gz"
    call_command("export_log", str(file), stderr=io.StringIO())
    assert file.read_bytes()[:2] == b"\x1f\x8b"
    with pytest.raises(CommandError, match="exists"):
        call_command("export_log", str(file), stderr=io.StringIO())
    with another(databases), connected_as(OWNER):
        call_command("import_log", str(file), stdout=io.StringIO())
        assert store.head().position > 0
        with pytest.raises(CommandError, match="not empty"):
            call_command("import_log", str(file))
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_log", str(tmp_path / "none"))


def test_an_export_to_standard_output_is_the_same(
    database: Database, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    paid_late()
    call_command("export_log", "-", stderr=io.StringIO())
    assert capfdbinary.readouterr().out == exported()
    call_command("export_log", "-", gzip=True, stderr=io.StringIO())
    assert gzip.decompress(capfdbinary.readouterr().out) == exported()


def test_an_export_that_fails_leaves_no_file(database: Database, tmp_path: Path) -> None:
    paid_late()
    delete_event(3)
    with pytest.raises(CommandError, match="hole"):
        call_command("export_log", str(tmp_path / "log.jsonl"), stderr=io.StringIO())
    assert list(tmp_path.iterdir()) == []


def test_two_exports_to_one_name_do_not_mix(tmp_path: Path) -> None:
    name = str(tmp_path / "log.jsonl")
    with files.written(name, compressed=False) as first:
        first.write(b"first")
        with pytest.raises(CannotExport, match=r"log.jsonl.part exists"), files.written(name, compressed=False):
            pass
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("log.jsonl", b"first")]
