"""Every kind of read of the log, on SQLite and on PostgreSQL."""

import json
from uuid import UUID

import pytest
from django.db import connection

from eventstore import store
from eventstore.errors import InvalidCategory, UnknownEventType, UnreadableEvent
from eventstore.payloads.registry import Registry
from eventstore.records import Head
from tests.contracts.events import ParcelRegistered, append, parcel, positions, registered, weighed
from tests.support.databases import Database, connected_as
from tests.support.postgres.roles import OWNER

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def streams(database: Database) -> tuple[str, str]:
    first, second = parcel(), parcel()
    append(registered(first), registered(second), weighed(first), weighed(second), weighed(first))
    return first, second


def test_an_empty_log_has_no_head() -> None:
    assert store.head() == Head(0, None)
    assert list(store.read_all()) == []
    assert store.read_event(1) is None


@pytest.mark.parametrize("position", [-1, 0, 6, 2**63 - 1, 2**63, 10**24])
def test_there_is_no_event_at_a_number_that_is_no_position(streams: tuple[str, str], position: int) -> None:
    assert store.read_event(position) is None


def test_the_head_is_the_newest_event(streams: tuple[str, str]) -> None:
    newest = next(store.read_stream(streams[0], backwards=True))
    assert store.head() == Head(5, newest.recorded_at)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 1000])
def test_a_stream_is_read_forwards_and_backwards_in_batches(streams: tuple[str, str], batch_size: int) -> None:
    forwards = list(store.read_stream(streams[0], batch_size=batch_size))
    assert positions(forwards) == [1, 3, 5]
    assert list(store.read_stream(streams[0], backwards=True, batch_size=batch_size)) == forwards[::-1]


def test_a_stream_is_read_from_a_version_and_up_to_a_position(streams: tuple[str, str]) -> None:
    assert positions(list(store.read_stream(streams[0], after_version=1))) == [3, 5]
    assert positions(list(store.read_stream(streams[0], up_to=4))) == [1, 3]
    assert positions(list(store.read_stream(streams[0], up_to=4, backwards=True, limit=1))) == [3]
    assert positions(list(store.read_stream(streams[0], limit=2, batch_size=1))) == [1, 3]


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
def test_all_events_are_read_in_order_between_bounds(streams: tuple[str, str], batch_size: int) -> None:
    assert len(streams) == 2
    assert positions(list(store.read_all(batch_size=batch_size))) == [1, 2, 3, 4, 5]
    assert positions(list(store.read_all(after=2, up_to=4, batch_size=batch_size))) == [3, 4]
    assert positions(list(store.read_all(backwards=True, limit=3, batch_size=batch_size))) == [5, 4, 3]


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
def test_events_are_read_by_type(streams: tuple[str, str], batch_size: int) -> None:
    assert len(streams) == 2
    assert positions(list(store.read_all(types=["ParcelWeighed"], batch_size=batch_size))) == [3, 4, 5]
    both = ["ParcelWeighed", "ParcelRegistered"]
    assert positions(list(store.read_all(types=both, after=1, batch_size=batch_size))) == [2, 3, 4, 5]
    assert positions(list(store.read_all(types=both, backwards=True, batch_size=batch_size))) == [5, 4, 3, 2, 1]


def test_no_types_find_nothing_and_a_type_given_twice_finds_each_event_once(streams: tuple[str, str]) -> None:
    assert len(streams) == 2
    assert list(store.read_all(types=[])) == []
    assert positions(list(store.read_all(types=["ParcelWeighed", "ParcelWeighed"]))) == [3, 4, 5]


def test_a_stream_is_read_between_versions(streams: tuple[str, str]) -> None:
    assert positions(list(store.read_stream(streams[0], after_version=1, up_to_version=2))) == [3]
    assert positions(list(store.read_stream(streams[0], up_to_version=2, backwards=True))) == [3, 1]


@pytest.mark.parametrize("batch_size", [1, 1000])
def test_events_are_read_by_category(streams: tuple[str, str], batch_size: int) -> None:
    assert len(streams) == 2
    assert positions(list(store.read_all(category="parcel", after=3, batch_size=batch_size))) == [4, 5]
    assert list(store.read_all(category="asset")) == []
    assert positions(list(store.read_all(category="parcel", types=["ParcelRegistered"]))) == [1, 2]
    assert list(store.read_all(category="asset", types=["ParcelRegistered"])) == []


@pytest.mark.parametrize("category", ["", "a-b", "Parcel", "parcel2", f"parcel-{UUID(int=1)}", "parcel ", "_parcel"])
def test_an_invalid_category_is_refused(category: str) -> None:
    with pytest.raises(InvalidCategory, match="lower-case letters and underscores"):
        store.read_all(category=category)
    with pytest.raises(InvalidCategory):
        store.search(category=category, limit=1)
    with pytest.raises(InvalidCategory):
        Registry().register(ParcelRegistered, categories=("parcel", category))


def test_a_batch_begins_at_its_position(streams: tuple[str, str]) -> None:
    assert len(streams) == 2
    assert positions(store.read_batch(from_position=2, limit=2)) == [2, 3]
    assert positions(store.read_batch(from_position=2, limit=9, up_to=4)) == [2, 3, 4]
    assert store.read_batch(from_position=6, limit=9) == []


def test_the_newest_event_of_a_type_up_to_a_position(streams: tuple[str, str]) -> None:
    assert len(streams) == 2
    newest = store.last_of_type("ParcelWeighed")
    assert newest is not None
    assert newest.position == 5
    before = store.last_of_type("ParcelWeighed", up_to=4)
    assert before is not None
    assert before.position == 4
    assert store.last_of_type("ParcelWeighed", up_to=2) is None


def test_the_newest_events_of_many_streams_up_to_a_position(streams: tuple[str, str]) -> None:
    first, second = streams
    found = store.latest([first, second, parcel()], ["ParcelWeighed"], 4)
    assert {stream: event.position for stream, event in found.items()} == {first: 3, second: 4}
    found = store.latest([first, second], ["ParcelWeighed", "ParcelRegistered"], 2)
    assert {stream: event.position for stream, event in found.items()} == {first: 1, second: 2}
    assert store.latest([], ["ParcelWeighed"], 4) == {}


def test_an_event_of_an_unregistered_type_is_named_with_its_position(database: Database) -> None:
    _insert(database, "NeverHeardOf", 1, {})
    event = store.read_event(1)
    assert event is not None
    with pytest.raises(UnknownEventType, match="'NeverHeardOf' at position 1"):
        _ = event.data


@pytest.mark.parametrize(
    ("schema_version", "payload", "fault"),
    [
        (1, {"name": 7}, "name: Input should be a valid string"),
        (1, {}, "name: Field required"),
        (1, {"name": "Books", "extra": 1}, "extra: Unexpected keyword argument"),
        (2, {"name": "Books"}, "schema version 2 is not one of 1 to 1"),
    ],
)
def test_an_event_without_the_shape_of_its_class_is_named_with_its_position(
    database: Database, schema_version: int, payload: dict[str, object], fault: str
) -> None:
    _insert(database, "ParcelRegistered", schema_version, payload)
    event = store.read_event(1)
    assert event is not None
    with pytest.raises(UnreadableEvent, match=f"ParcelRegistered at position 1 is not readable: {fault}"):
        _ = event.data


READS: dict[str, tuple[str, list[str | int]]] = {
    "by stream": ("stream_id = %s ORDER BY version LIMIT 10", ["parcel-1"]),
    "by category": ("category = %s AND position > %s ORDER BY position LIMIT 10", ["parcel", 5]),
    "by type": ("type = %s AND position > %s ORDER BY position LIMIT 10", ["ParcelRegistered", 5]),
    "by correlation": ("correlation_id = %s ORDER BY position LIMIT 10", ["c"]),
    "by actor": ("actor = %s ORDER BY position LIMIT 10", ["a"]),
    "by cause": ("causation = %s ORDER BY position LIMIT 10", [5]),
}


@pytest.mark.parametrize("read", READS)
def test_no_read_scans_the_table(database: Database, read: str) -> None:
    where, params = READS[read]
    explain = "EXPLAIN (FORMAT TEXT)" if database.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        if database.vendor == "postgresql":
            # The test's table is so small that a scan would be faster; the test asks whether an index can be used.
            cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"{explain} SELECT position FROM eventstore_event WHERE {where}", params)
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        if database.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    assert "Seq Scan" not in plan
    assert "SCAN" not in plan
    assert "event_" in plan


def _insert(database: Database, type_name: str, schema_version: int, payload: dict[str, object]) -> None:
    moment = "now()" if database.vendor == "postgresql" else "'2026-01-01 00:00:00'"
    with connected_as(OWNER), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor,"
            " correlation_id, metadata, recorded_at)"
            f" VALUES (1, 'parcel-1', 1, %s, %s, %s, 'a', 'c', '{{}}', {moment})",
            [type_name, schema_version, json.dumps(payload)],
        )
