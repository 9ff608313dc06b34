"""A corrupted row is found and named by the verification of the log, and no consumer acts on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final

import pytest
from django.core.management import CommandError, call_command
from django.db.backends.utils import CursorWrapper

from eventstore.consumers import checkpoints
from eventstore.consumers.definitions import Relay
from eventstore.consumers.loop import catch_up
from eventstore.consumers.registry import consumers
from eventstore.errors import NotCaughtUp
from eventstore.models import Checkpoint
from eventstore.records import RecordedEvent
from projectors.schema.daily_activity import DailyActivity
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database
from tests.support.ledger.book import Book, fees

DAY: Final = date(2024, 3, 1)
BOTH: Final = ("late_fees", "daily_activity")
"""A process manager, whose fees stay, and a projector, whose rows can be made again."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """An UPDATE of the row at a position, or another statement; what verify_eventstore says; who of BOTH must stop.

    Neither acts on a row of a type that does not belong to its stream: process managers look for other types, and
    projectors look at the category as well. A relay hands on every type, so it stops at each of these rows.
    """

    change: str
    fault: str
    stops: tuple[str, ...] = BOTH
    statement: str = "UPDATE eventstore_event SET {change} WHERE position = {position}"


CORRUPTIONS: Final = {
    "a payload of another shape": Corruption("payload = '{{\"new_date\": 5}}'", "SystemCycled at position {position}"),
    "a payload that is no object": Corruption("payload = '[]'", "SystemCycled at position {position}"),
    "a payload without a field": Corruption("payload = '{{}}'", "SystemCycled at position {position}"),
    "an unknown type": Corruption("type = 'SystemCycle'", "'SystemCycle' at position {position} is not registered"),
    "another known type": Corruption("type = 'CompanyRenamed'", "CompanyRenamed at position {position}", stops=()),
    "an unknown schema version": Corruption("schema_version = 9", "SystemCycled at position {position}"),
    "schema version zero": Corruption("schema_version = 0", "SystemCycled at position {position}"),
    "deleted": Corruption(
        "", "position {position} is missing", statement="DELETE FROM eventstore_event WHERE position = {position}"
    ),
    "moved to the end": Corruption("position = 1000", "position {position} is missing"),
    "another version": Corruption("version = 7", "stream system: version 2 is missing", stops=("late_fees",)),
    "another type of the same shape": Corruption(
        "type = 'CompanyRegistered', payload = '{{\"name\": \"x\"}}'",
        "position {position}: it does not occur in streams of system",
        stops=(),
    ),
    "another stream": Corruption(
        f"stream_id = 'company-{DAY:%Y%m%d}-0000-4000-8000-000000000001'",
        "position {position}: it does not occur in streams of company",
        stops=("late_fees",),
    ),
    "metadata that is no object": Corruption("metadata = '5'", "position {position}: metadata", stops=("late_fees",)),
    "no actor": Corruption("actor = ''", "position {position}: actor", stops=("late_fees",)),
    "in the future": Corruption(
        "recorded_at = '2999-01-01 00:00:00+00'", "position {position}: recorded_at", stops=("late_fees",)
    ),
}
"""What of a row is changed. If a consumer need not stop, what it acts on is not what was changed."""


class Witness(Relay):
    """Keeps the positions of what is handed on to it."""

    name: ClassVar[str] = "witness"

    def __init__(self) -> None:
        self.positions: list[int] = []

    def hand_on(self, events: Sequence[RecordedEvent]) -> None:
        """Keep their positions."""
        self.positions += [event.position for event in events]


@pytest.fixture(autouse=True)
def witness(database: Database) -> Iterator[Witness]:
    relay = Witness()
    consumers.register(relay)
    yield relay
    del consumers.relays[relay.name]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupted_row_is_named_and_no_consumer_acts_on_it(witness: Witness, name: str) -> None:
    corruption, position = CORRUPTIONS[name], prepared()
    with unguarded() as cursor:
        cursor.execute(corruption.statement.format(change=corruption.change.format(), position=position))
    with pytest.raises(CommandError, match=corruption.fault.format(position=position)):
        call_command("verify_eventstore")
    for consumer in (*corruption.stops, witness.name):
        with pytest.raises(NotCaughtUp, match=consumer):
            catch_up(consumer)
        assert Checkpoint.objects.get(name=consumer).position < position
    assert {fee.data.business_date for fee in fees()} == {DAY}
    if "daily_activity" in corruption.stops:
        assert not DailyActivity.objects.filter(business_date__gt=DAY).exists()
    assert witness.positions == list(range(1, position))


def prepared() -> int:
    """Record an overdue product and two dates, of which the first is answered; return the position of the second."""
    checkpoints.register("late_fees")
    book = Book()
    book.invoice(DAY - timedelta(days=1))
    book.cycle(DAY)
    catch_up()
    catch_up("witness")
    position = book.cycle(DAY + timedelta(days=1))
    book.invoice(DAY)
    return position


def test_two_events_of_one_stream_that_changed_places_are_named(witness: Witness) -> None:
    second = prepared()
    first = swap_cycles(second)
    with pytest.raises(CommandError, match=f"stream system: version 1 is at position {second}, after version 2"):
        call_command("verify_eventstore")
    with pytest.raises(NotCaughtUp):
        catch_up("late_fees")
    with pytest.raises(NotCaughtUp, match=f"position {second}: version 1 is not in order in the stream system"):
        catch_up(witness.name)
    assert first < second == witness.positions[-1] + 1
    assert {fee.data.business_date for fee in fees()} == {DAY}


def swap_cycles(second: int) -> int:
    """Let the two dates change places; return the position of the first."""
    with unguarded() as cursor:
        cursor.execute("SELECT min(position) FROM eventstore_event WHERE stream_id = 'system'")
        first = int(cursor.fetchone()[0])
        _move(cursor, (first, 10**6), (second, first), (10**6, second))
    return first


def _move(cursor: CursorWrapper, *moves: tuple[int, int]) -> None:
    for old, new in moves:
        cursor.execute("UPDATE eventstore_event SET position = %s WHERE position = %s", [new, old])
