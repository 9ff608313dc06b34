"""Each date is sealed once when it has ended, and whatever is done to a sealed event is found and located."""

import fcntl
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.backends.utils import CursorWrapper
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from eventstore import store
from eventstore.consumers.loop import catch_up
from eventstore.errors import LogDamaged, NotCaughtUp
from eventstore.log.verification import verify
from eventstore.models import Home
from eventstore.payloads.canonical import canonical_event
from eventstore.seals.merkle import Tree, leaf_hash
from ledger.rules.events import DaySealed
from processmanagers.proofs import NotSealed, prove, published
from projectors.verification import verify as verification
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database, Databases, connected_as, connected_to
from tests.support.ledger.book import Book
from tests.support.ledger.sealing import DAY, days, seal, sealing
from tests.support.postgres.roles import OWNER
from tests.support.processes import ROOT
from tools import verify_proof

OTHER_PUBLIC_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
OTHER_KEY = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"


@pytest.fixture
def database(
    request: pytest.FixtureRequest, databases: Databases, settings: Settings, django_db_blocker: DjangoDbBlocker
) -> Iterator[Database]:
    """Return a database of the test's own, with four dates if it asks for `sealed_days`."""

    def prepare(_: Database) -> None:
        with sealing(settings):
            days(4)
            seal(chunk=2)
        with connected_as(OWNER):
            Home.objects.all().delete()  # each copy is at home where something first acts in it

    with django_db_blocker.unblock():
        sealed = "sealed_days" in request.fixturenames
        own = databases.prepared("sealed_days", prepare)[0] if sealed else databases.make()
        with connected_to(own):
            yield own
    databases.drop(own)


@pytest.fixture
def sealed_days(database: Database, settings: Settings) -> Iterator[list[DaySealed]]:
    """Return the seals of a ledger with four dates, of which three are over; late_fees was late."""
    with sealing(settings):
        yield seals()


def seals() -> list[DaySealed]:
    return [event.data for event in store.read_all(types=["DaySealed"])]


def check() -> int:
    return verify(lambda _done, _total: None).seals


def test_each_date_that_is_over_is_sealed_from_the_end_of_the_seal_before(sealed_days: list[DaySealed]) -> None:
    assert [seal.sealed_date for seal in sealed_days] == [DAY + timedelta(days=day) for day in range(3)]
    cycles = [event.position for event in store.read_all(types=["SystemCycled"])]
    assert [seal.last_position + 1 for seal in sealed_days] == cycles[1:]
    assert [seal.first_position for seal in sealed_days] == [1, *cycles[1:-1]]
    for one in sealed_days:
        tree = Tree()
        for event in store.read_all(after=one.first_position - 1, up_to=one.last_position):
            tree.add(leaf_hash(canonical_event(event).encode()))
        assert one.root == tree.root().hex()
        assert one.events == tree.size
        assert [(total.currency, total.debit == total.credit) for total in one.totals] == [("USD", True)]
    assert sealed_days[1].totals[0].debit > sealed_days[0].totals[0].debit > Decimal(0)
    assert check() == 3
    catch_up()
    verification.verify(lambda _done, _total: None)


def test_a_seal_is_the_same_whatever_the_chunks_and_nothing_is_sealed_twice(sealed_days: list[DaySealed]) -> None:
    seal()
    assert seals() == sealed_days
    Book().cycle(DAY + timedelta(days=4))
    seal()
    assert [one.sealed_date for one in seals()] == [DAY + timedelta(days=day) for day in range(4)]
    assert seals()[-1].previous == sealed_days[-1].chain
    said = io.StringIO()
    call_command("verify_eventstore", stdout=said)
    assert said.getvalue().rstrip().endswith("; seals that hold: 4")


def change_payload(cursor: CursorWrapper, position: int) -> None:
    cursor.execute("SELECT payload FROM eventstore_event WHERE position = %s", [position])
    text = str(cursor.fetchone()[0]).replace("1000.00", "1000.01")
    cursor.execute("UPDATE eventstore_event SET payload = %s WHERE position = %s", [text, position])


def change_actor(cursor: CursorWrapper, position: int) -> None:
    cursor.execute("UPDATE eventstore_event SET actor = 'somebody' WHERE position = %s", [position])


def swap_with_next(cursor: CursorWrapper, position: int) -> None:
    for old, new in ((position, 10**6), (position + 1, position), (10**6, position + 1)):
        cursor.execute("UPDATE eventstore_event SET position = %s WHERE position = %s", [new, old])


def drop_and_close_the_gap(cursor: CursorWrapper, position: int) -> None:
    """Remove an event, the only one of its stream, and move every later one down by one."""
    cursor.execute("DELETE FROM eventstore_event WHERE position = %s", [position])
    for later in range(position + 1, store.head().position + 1):
        cursor.execute("UPDATE eventstore_event SET position = %s WHERE position = %s", [later - 1, later])


def insert_and_make_room(cursor: CursorWrapper, position: int) -> None:
    """Move every later event up by one, and add an event of a stream of its own that no command has made."""
    for later in range(store.head().position, position, -1):
        cursor.execute("UPDATE eventstore_event SET position = %s WHERE position = %s", [later + 1, later])
    columns = "version, type, schema_version, payload, actor, correlation_id, causation, metadata, recorded_at"
    cursor.execute(
        f"INSERT INTO eventstore_event (position, stream_id, {columns}) SELECT %s, %s, {columns}"
        " FROM eventstore_event WHERE position = %s",
        [position + 1, "asset-00000000-0000-4000-8000-00000000abcd", position],
    )


MOVES: Final = (drop_and_close_the_gap, insert_and_make_room)
"""After these, all later events of the day are at other positions."""


@pytest.mark.parametrize("tamper", [change_payload, change_actor, swap_with_next, *MOVES])
def test_whatever_is_done_to_a_sealed_event_is_found_and_located(
    sealed_days: list[DaySealed], tamper: Callable[[CursorWrapper, int], None]
) -> None:
    day = sealed_days[1]
    position = next(
        event.position
        for event in store.read_all(after=day.first_position, up_to=day.last_position, types=["AssetRegistered"])
    )
    with unguarded() as cursor:
        tamper(cursor, position)
    with pytest.raises(LogDamaged) as fault:
        check()
    assert f"the seal of {day.sealed_date}" in str(fault.value)
    if tamper not in MOVES:
        assert f"the event at position {position} was changed" in str(fault.value)


def test_a_seal_that_was_changed_is_found_by_its_own_chain_or_signature(sealed_days: list[DaySealed]) -> None:
    last = store.last_of_type("DaySealed")
    assert last is not None
    for old, new in ((last.data.totals[0].debit, Decimal(1)), (last.data.signature, "00" * 64)):
        text = last.payload_json
        with unguarded() as cursor:
            changed = text.replace(str(old), str(new))
            assert changed != text
            cursor.execute("UPDATE eventstore_event SET payload = %s WHERE position = %s", [changed, last.position])
        with pytest.raises(LogDamaged, match=f"the seal of {last.data.sealed_date} at position {last.position}: its"):
            check()


def test_a_seal_that_cannot_be_read_is_a_fault_of_the_log(sealed_days: list[DaySealed]) -> None:
    first = next(store.read_all(types=["DaySealed"]))
    for payload in (first.payload_json.replace(sealed_days[0].blocks[0], "no hash"), "{}"):
        with unguarded() as cursor:
            cursor.execute("UPDATE eventstore_event SET payload = %s WHERE position = %s", [payload, first.position])
        with pytest.raises(LogDamaged, match="the seal after position 0 is not readable"):
            check()


@pytest.mark.one_database
def test_a_seal_of_an_unknown_key_is_refused_and_an_old_key_is_trusted_by_name(
    sealed_days: list[DaySealed], settings: Settings
) -> None:
    settings.SEAL_KEY = OTHER_KEY
    with pytest.raises(LogDamaged, match="which SEAL_PUBLIC_KEYS does not name"):
        check()
    Book().cycle(DAY + timedelta(days=4))
    with pytest.raises(NotCaughtUp, match=f"{sealed_days[0].public_key}: .* put this key into SEAL_PUBLIC_KEYS"):
        catch_up("seals")
    assert len(seals()) == 3
    settings.SEAL_PUBLIC_KEYS = [sealed_days[0].public_key]
    assert check() == 3
    seal()
    assert check() == 4
    assert seals()[-1].public_key != sealed_days[0].public_key


def test_without_a_key_there_is_no_such_process_manager(database: Database) -> None:
    with pytest.raises(CommandError, match="there is no process manager 'seals', because SEAL_KEY is not set"):
        call_command("run_processmanager", "seals", once=True)


def proven(file: Path, chain: str, key: str) -> subprocess.CompletedProcess[str]:
    """Check a proof as a stranger does: by a Python that can import nothing but its own library."""
    command = [sys.executable, "-I", "-S", str(ROOT / "tools" / "verify_proof.py"), str(file)]
    return subprocess.run([*command, "--root", chain, "--key", key], capture_output=True, text=True, check=False)


@pytest.mark.one_database
def test_a_stranger_verifies_an_event_and_finds_a_changed_cent(sealed_days: list[DaySealed], tmp_path: Path) -> None:
    day = sealed_days[1]
    event = next(store.read_all(after=day.first_position, types=["AssetRegistered"]))
    file, said = tmp_path / "proof.json", io.StringIO()
    call_command("prove", str(event.position), output=str(file), stdout=said)
    assert said.getvalue() == f"{file}: chain {day.chain}, key {day.public_key}\n"
    with pytest.raises(CommandError, match="exists: name another file with --output, or delete it"):
        call_command("prove", str(event.position), output=str(file))
    answer = proven(file, day.chain, day.public_key)
    assert answer.returncode == 0, answer.stderr
    absent = tmp_path / "absent"
    assert proven(absent, day.chain, day.public_key).stderr == f"{absent} cannot be read: No such file or directory\n"
    assert answer.stdout.startswith(f"PROVEN: AssetRegistered at position {event.position}, recorded at ")
    whole = file.read_text()
    changed = tmp_path / "changed.json"
    for old, new, key, message in (
        ("1000.00", "1000.01", day.public_key, "the event was changed"),
        (day.root, "0" * 64, day.public_key, "the event was changed, or is not in the tree"),
        (f"{day.totals[0].debit}", "1.00", day.public_key, "the seal is not the one that was published"),
        ("nothing", "nothing", OTHER_PUBLIC_KEY, "is not signed"),
        ('"path"', '"way"', day.public_key, "the file is not a proof"),
    ):
        if old != new:
            assert old in whole
        changed.write_text(whole.replace(old, new))
        refused = proven(changed, day.chain, key)
        assert refused.returncode == 1
        assert message in refused.stderr
    assert proven(file, f" {day.chain.upper()}", day.public_key.upper()).returncode == 0
    for key, code, message in (("ab", 2, "must be 64 hexadecimal digits"), ("f" * 64, 1, "is not of Ed25519")):
        refused = proven(file, day.chain, key)
        assert (refused.returncode, message in refused.stderr) == (code, True)
    with unguarded() as cursor:
        cursor.execute("UPDATE eventstore_event SET actor = 'another' WHERE position = %s", [event.position])
    with pytest.raises(CommandError, match=f"the seal of {day.sealed_date} does not hold: an event was changed"):
        call_command("prove", str(event.position), output=str(changed.with_name("none.json")))


@pytest.mark.one_database
def test_each_event_of_each_day_is_proven(sealed_days: list[DaySealed]) -> None:
    for day in sealed_days:
        for position in range(day.first_position, day.last_position + 1):
            assert verify_proof.fault(prove(position), day.chain, day.public_key) is None
    last = sealed_days[-1].last_position
    for position, message in ((last + 1, "if SEAL_KEY is set"), (10**6, "the head is")):
        with pytest.raises(NotSealed, match=message):
            prove(position)


@pytest.mark.one_database
def test_an_anchor_whose_writer_was_killed_is_made_whole(sealed_days: list[DaySealed], tmp_path: Path) -> None:
    file, said = tmp_path / "seals.jsonl", io.StringIO()
    call_command("anchor", str(file), stdout=said)
    whole = file.read_bytes()
    second, third = whole.index(b"\n") + 1, whole.rindex(b"\n", 0, -1) + 1
    for length in (0, 1, second - 1, second, second + 20, third + 20, len(whole) - 1):
        file.write_bytes(whole[:length])
        call_command("anchor", str(file), stdout=said)
        assert file.read_bytes() == whole
    file.write_bytes(whole[: second + 20] + b"?")
    with pytest.raises(CommandError, match="line 2 of .* is not the seal"):
        call_command("anchor", str(file))
    assert file.read_bytes() == whole[: second + 20] + b"?"


@pytest.mark.one_database
def test_two_anchors_at_once_write_each_seal_once(sealed_days: list[DaySealed], tmp_path: Path) -> None:
    file = tmp_path / "seals.jsonl"
    with file.open("ab") as other, ThreadPoolExecutor(1) as pool:
        fcntl.flock(other, fcntl.LOCK_EX)
        second = pool.submit(_anchor, file)
        with pytest.raises(TimeoutError):
            second.result(0.5)
        line = published(next(iter(store.read_all(types=["DaySealed"]))).data)
        other.write(f"{line}\n".encode())
        other.flush()
        fcntl.flock(other, fcntl.LOCK_UN)
        second.result()
    assert len(file.read_text().splitlines()) == len(sealed_days)


def _anchor(file: Path) -> None:
    call_command("anchor", str(file), stdout=io.StringIO())
    connections.close_all()


def test_an_anchor_finds_seals_that_were_made_anew(sealed_days: list[DaySealed], tmp_path: Path) -> None:
    file, said = tmp_path / "seals.jsonl", io.StringIO()
    call_command("anchor", str(file), stdout=said)
    call_command("anchor", str(file), stdout=said)
    assert said.getvalue().splitlines() == ["seals: 3, new: 3", "seals: 3, new: 0"]
    call_command("verify_eventstore", anchor=str(file))
    whole = file.read_text()
    file.write_text(whole.replace(sealed_days[2].chain, "f" * 64))
    with pytest.raises(CommandError, match=f"line 3 of .* is not the seal of {sealed_days[2].sealed_date}"):
        call_command("anchor", str(file))
    with pytest.raises(CommandError, match=f"the seal of {sealed_days[2].sealed_date} .* the one that was published"):
        call_command("verify_eventstore", anchor=str(file))
    file.write_text(whole + whole.splitlines(keepends=True)[-1].replace(str(sealed_days[2].sealed_date), "2026-12-31"))
    with pytest.raises(CommandError, match="has 4 seals and the log only 3"):
        call_command("anchor", str(file))
    with pytest.raises(CommandError, match="the seal of 2026-12-31 was published and is not in the log"):
        call_command("verify_eventstore", anchor=str(file))
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("verify_eventstore", anchor=str(tmp_path / "absent"))
    file.write_text("not a seal\n")
    with pytest.raises(CommandError, match="is not a file of published seals"):
        call_command("verify_eventstore", anchor=str(file))
