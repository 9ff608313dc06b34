"""The rules of every append, on SQLite and on PostgreSQL."""

import dataclasses
import itertools
import json
import operator
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from eventstore import store
from eventstore.errors import (
    AppendOnly,
    IdempotencyKeyReused,
    InvalidPayload,
    InvalidStreamId,
    IsolationTooHigh,
    UnknownEventType,
    WrongCategory,
    WrongExpectedVersion,
)
from eventstore.models import Event, RecordedKey
from eventstore.payloads.registry import registry
from eventstore.records import ANY, NO_STREAM, Context, IdempotencyKey, NewEvent
from tests.contracts.events import (
    CONTEXT,
    ParcelRegistered,
    ParcelWeighed,
    append,
    parcel,
    positions,
    registered,
    weighed,
)
from tests.support.databases import Database

pytestmark = pytest.mark.usefixtures("database")

UUID_TEXT = "0b0e1f6e-6c8a-4c1e-9d5e-5d1f0a4b7c3d"


def test_positions_start_at_one_and_have_no_gaps() -> None:
    appended = [append(registered(parcel())) for _ in range(3)]
    assert [one.position for one in appended] == [1, 2, 3]


def test_versions_start_at_one_in_each_stream() -> None:
    first, second = parcel(), parcel()
    events = append(registered(first), registered(second), weighed(first), weighed(second), weighed(second)).events
    assert [(event.stream_id, event.version) for event in events] == [
        (first, 1),
        (second, 1),
        (first, 2),
        (second, 2),
        (second, 3),
    ]


def test_an_append_returns_the_events_that_a_read_returns() -> None:
    stream = parcel()
    returned = append(registered(stream), weighed(stream)).events
    read = list(store.read_stream(stream))
    assert returned == tuple(read)
    assert not any(map(operator.ne, returned, read))
    assert {*returned, *read} == set(read)
    assert [event.recorded_at for event in returned] == [event.recorded_at for event in read]
    assert [event.data for event in read] == [
        ParcelRegistered("Books"),
        ParcelWeighed(Decimal("1.00"), "kg", "the small scales"),
    ]


def test_an_event_with_another_payload_metadata_or_moment_is_another_event() -> None:
    (event,) = append(weighed(parcel())).events
    assert event == event._replace(payload_json=json.dumps(event.payload, indent=1, sort_keys=True))
    for other in (
        event._replace(payload_json=json.dumps(event.payload | {"weight": "2.00"})),
        event._replace(metadata_json="{}"),
        event._replace(recorded_at=event.recorded_at + timedelta(microseconds=1)),
        event._replace(position=2),
    ):
        assert event != other
        assert not operator.eq(event, other)


def test_an_event_has_its_actor_its_correlation_and_its_cause() -> None:
    cause = append(registered(parcel())).position
    context = Context("alice", "conversation 7", cause, {"ip": "127.0.0.1"})
    store.append([registered(parcel())], context)
    event = Event.objects.get(position=2)
    assert (event.actor, event.correlation_id, event.causation) == ("alice", "conversation 7", cause)
    assert event.metadata["ip"] == "127.0.0.1"
    assert event.recorded_at.utcoffset() is not None


def test_an_event_with_a_context_of_its_own_keeps_it() -> None:
    context = Context("an actor", "its own", 1, {"note": 'with "quotes", \\, ü and \x7f'})
    first, second, third = (registered(parcel()) for _ in range(3))
    own = dataclasses.replace(second, context=context)
    appended = append(first, own, third).events
    assert list(store.read_all()) == list(appended)
    assert [(event.actor, event.correlation_id, event.causation) for event in appended] == [
        (CONTEXT.actor, CONTEXT.correlation_id, CONTEXT.causation),
        ("an actor", "its own", 1),
        (CONTEXT.actor, CONTEXT.correlation_id, CONTEXT.causation),
    ]
    assert len({event.metadata["append_id"] for event in appended}) == 1
    assert [event.metadata.get("note") for event in appended][1] == context.metadata["note"]
    (alone,) = append(dataclasses.replace(registered(parcel()), context=context)).events
    assert (alone.actor, alone.metadata["note"]) == ("an actor", context.metadata["note"])


def test_an_append_can_be_found_by_its_own_id() -> None:
    stream = parcel()
    append(registered(stream), weighed(stream))
    ids = {event.metadata["append_id"] for event in store.read_stream(stream)}
    append(weighed(stream))
    newest = next(store.read_stream(stream, backwards=True))
    assert len(ids) == 1
    assert newest.metadata["append_id"] not in ids


@pytest.mark.parametrize(
    ("given", "expected", "accepted"),
    [
        (0, ANY, True),
        (2, ANY, True),
        (0, NO_STREAM, True),
        (1, NO_STREAM, False),
        (2, 2, True),
        (2, 1, False),
        (2, 3, False),
        (0, 1, False),
    ],
)
def test_a_stream_must_have_its_expected_version(given: int, expected: int, *, accepted: bool) -> None:
    stream = parcel()
    for _ in range(given):
        append(weighed(stream))
    if accepted:
        assert append(weighed(stream), expected={stream: expected}).events[0].version == given + 1
    else:
        with pytest.raises(WrongExpectedVersion) as refusal:
            append(weighed(stream), expected={stream: expected})
        assert (refusal.value.stream_id, refusal.value.expected, refusal.value.actual) == (stream, expected, given)
        assert store.head().position == given


def test_a_stream_that_is_only_read_is_checked_too() -> None:
    read, written = parcel(), parcel()
    append(registered(read))
    append(registered(written), expected={read: 1})
    with pytest.raises(WrongExpectedVersion):
        append(weighed(written), expected={read: 2, written: 1})
    assert store.head().position == 2


def test_several_streams_are_written_all_or_none() -> None:
    first, second = parcel(), parcel()
    append(registered(second))
    with pytest.raises(WrongExpectedVersion):
        append(registered(first), registered(second), expected={first: NO_STREAM, second: NO_STREAM})
    assert list(store.read_stream(first)) == []


def test_the_versions_of_many_streams_are_checked_as_those_of_few() -> None:
    streams = [parcel() for _ in range(50)]
    append(*map(registered, streams[::2]), *map(weighed, streams[::4]))
    versions = store.versions(streams)
    assert sorted(set(versions.values())) == [0, 1, 2]
    wrong = {**versions, streams[9]: 1, streams[7]: 1, streams[40]: ANY}
    with pytest.raises(WrongExpectedVersion) as refusal:
        append(*map(weighed, streams), expected=wrong)
    assert (refusal.value.stream_id, refusal.value.expected, refusal.value.actual) == (streams[7], 1, 0)
    assert store.versions(streams) == versions
    events = append(*map(weighed, [*streams, *streams[:3]]), expected={**versions, streams[40]: ANY}).events
    again = [versions[stream] + 2 for stream in streams[:3]]
    assert [event.version for event in events] == [*(versions[stream] + 1 for stream in streams), *again]
    assert {event.metadata["append_id"] for event in store.read_all(after=events[0].position - 1)} == {
        events[0].metadata["append_id"]
    }


def test_a_conflict_leaves_the_callers_transaction_usable() -> None:
    stream = parcel()
    append(registered(stream))
    with transaction.atomic():
        with pytest.raises(WrongExpectedVersion):
            append(registered(stream), expected={stream: NO_STREAM})
        append(weighed(stream), expected={stream: 1})
    assert [event.type for event in store.read_stream(stream)] == ["ParcelRegistered", "ParcelWeighed"]


def test_an_append_inside_a_transaction_is_rolled_back_with_it() -> None:
    with transaction.atomic():
        append(registered(parcel()))
        transaction.set_rollback(True)
    assert store.head().position == 0
    assert append(registered(parcel())).position == 1


def test_a_rolled_back_append_leaves_no_hole() -> None:
    append(registered(parcel()))
    with transaction.atomic():
        append(registered(parcel()), weighed(parcel()))
        transaction.set_rollback(True)
    append(registered(parcel()))
    assert positions(list(store.read_all())) == [1, 2]


def test_a_repeated_key_returns_the_first_events_and_records_nothing() -> None:
    key = IdempotencyKey("client", "key-1", "fingerprint")
    stream = parcel()
    first = append(registered(stream), weighed(stream), key=key)
    again = append(registered(stream), weighed(stream), expected={stream: NO_STREAM}, key=key)
    assert again.repeated
    assert not first.repeated
    assert positions(again.events) == positions(first.events)
    assert positions(store.recorded_under(key).events) == positions(first.events)  # type: ignore[union-attr] # it is there
    assert store.head().position == 2


def test_a_key_used_for_something_else_is_refused() -> None:
    append(registered(parcel()), key=IdempotencyKey("client", "key-1", "one"))
    other = IdempotencyKey("client", "key-1", "another")
    with pytest.raises(IdempotencyKeyReused, match="key-1"):
        append(registered(parcel()), key=other)
    with pytest.raises(IdempotencyKeyReused):
        store.recorded_under(other)
    assert store.head().position == 1


def test_the_same_key_of_another_client_is_another_key() -> None:
    append(registered(parcel()), key=IdempotencyKey("one", "key", "f"))
    assert not append(registered(parcel()), key=IdempotencyKey("other", "key", "f")).repeated


def test_a_key_is_not_kept_if_nothing_was_recorded() -> None:
    stream = parcel()
    append(registered(stream))
    key = IdempotencyKey("client", "key", "f")
    with pytest.raises(WrongExpectedVersion):
        append(registered(stream), expected={stream: NO_STREAM}, key=key)
    assert store.recorded_under(key) is None
    assert not RecordedKey.objects.exists()


def test_nothing_is_found_under_a_key_that_was_never_used() -> None:
    assert store.recorded_under(IdempotencyKey("client", "never", "f")) is None


@pytest.mark.parametrize(
    "stream_id",
    ["", "parcel-", "parcel-1", f"parcel-{UUID_TEXT}".upper(), f"Parcel-{UUID_TEXT}", "parcel-{}", UUID_TEXT],
)
def test_an_invalid_stream_id_is_refused_and_named(stream_id: str) -> None:
    with pytest.raises(InvalidStreamId, match="is not a stream id"):
        append(registered(stream_id))
    assert store.head().position == 0


def test_an_event_of_an_unknown_class_is_refused_before_anything_is_recorded() -> None:
    with pytest.raises(UnknownEventType, match="'object'"):
        append(registered(parcel()), NewEvent(parcel(), object()))
    assert store.head().position == 0


def test_an_event_without_the_shape_of_its_class_is_refused_before_anything_is_recorded() -> None:
    wrong = ParcelWeighed(1.5, "kg", "the small scales")  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(InvalidPayload, match="ParcelWeighed was not appended"):
        append(NewEvent(parcel(), wrong))
    assert store.head().position == 0


def test_an_event_that_is_encoded_already_is_recorded_as_it_is_and_refused_if_it_cannot_be_read() -> None:
    payload = '{"weight":"1.00","unit":"kg","scales":"the small scales"}'
    (event,) = append(NewEvent(parcel(), registry.encoded(ParcelWeighed, payload))).events
    assert event == store.read_event(event.position)
    assert (event.type, event.data) == ("ParcelWeighed", weighed("").data)
    for wrong in (payload.replace('"1.00"', "1.00"), payload.replace('"unit":"kg",', ""), payload[:-1]):
        with pytest.raises(InvalidPayload, match="ParcelWeighed was not appended"):
            registry.encoded(ParcelWeighed, wrong)
    with pytest.raises(UnknownEventType, match="'object'"):
        registry.encoded(object, payload)
    with pytest.raises(WrongCategory):
        append(NewEvent(f"asset-{UUID_TEXT}", registry.encoded(ParcelWeighed, payload)))
    assert store.head().position == 1


def test_other_work_goes_on_while_the_database_appends_and_may_end_later() -> None:
    rows = store.prepare([weighed(parcel())], CONTEXT)
    work = itertools.count()
    (event,) = store.append_prepared(rows, meanwhile=work).events
    assert event == store.read_event(1)
    assert (next(work) > 0) is (connection.vendor == "postgresql")
    stale = store.prepare([weighed(event.stream_id)], CONTEXT, expected={event.stream_id: NO_STREAM})
    with pytest.raises(WrongExpectedVersion):
        store.append_prepared(stale, meanwhile=work)
    with transaction.atomic():
        store.append_prepared(store.prepare([weighed(event.stream_id)], CONTEXT), meanwhile=iter(()))
    assert store.head().position == 2


def test_an_event_in_a_stream_of_another_category_is_refused() -> None:
    with pytest.raises(WrongCategory, match=f"ParcelRegistered was not appended to asset-{UUID_TEXT}"):
        append(registered(f"asset-{UUID_TEXT}"))
    assert store.head().position == 0


@pytest.mark.parametrize(
    ("context", "key", "fault"),
    [
        (Context("a\0", "c"), None, "actor contains the character NUL"),
        (Context("a" * 201, "c"), None, "actor has 201 characters; at most 200 are stored"),
        (Context("a", "\ud800"), None, "correlation_id contains half of a surrogate pair"),
        (Context("a", "c", 2**63), None, "is not a position"),
        (Context("a", "c", None, {"note": "\0"}), None, "metadata contains the character NUL"),
        (Context("a", "c", None, {"n": [2**53 + 1]}), None, "metadata: the number 9007199254740993 is too large"),
        (Context("a", "c", None, {"note": float("nan")}), None, "metadata is not JSON"),
        (Context("a", "c", None, {"note": "\udfff"}), None, "metadata contains half of a surrogate pair"),
        (CONTEXT, IdempotencyKey("s", "k" * 201, "f"), "key has 201 characters"),
        (CONTEXT, IdempotencyKey("s", "k", "f" * 65), "fingerprint has 65 characters"),
    ],
)
def test_a_value_that_one_database_cannot_store_is_refused_on_both(
    context: Context, key: IdempotencyKey | None, fault: str
) -> None:
    with pytest.raises(InvalidPayload, match=fault):
        store.append([registered(parcel())], context, key=key)
    own = dataclasses.replace(registered(parcel()), context=context)
    with pytest.raises(InvalidPayload, match=fault):
        store.append([registered(parcel()), own], CONTEXT, key=key)
    assert store.head().position == 0


def test_a_nul_character_in_a_payload_is_refused_and_its_escaped_form_is_text() -> None:
    with pytest.raises(InvalidPayload, match="the payload contains the character NUL"):
        append(registered(parcel(), "a\0b"))
    stream = parcel()
    append(registered(stream, "a\\u0000b"))
    assert next(store.read_stream(stream)).data.name == "a\\u0000b"


@pytest.mark.parametrize("version", [-2, 2**63])
def test_an_expected_version_that_no_stream_can_have_is_refused(version: int) -> None:
    stream = parcel()
    with pytest.raises(ValueError, match="is not ANY, NO_STREAM or a version"):
        append(registered(stream), expected={stream: version})


def test_an_append_has_at_least_one_event() -> None:
    with pytest.raises(ValueError, match="at least one"):
        append()


def test_text_with_quotes_and_characters_beyond_ascii_is_read_as_it_was_written() -> None:
    name = "Ærø & \"Søn\" {a,b} \\ 'x' %s 日本 🜚"
    stream = parcel()
    append(registered(stream, name))
    assert next(store.read_stream(stream)).data == ParcelRegistered(name)


def test_a_thousand_events_in_one_append() -> None:
    streams = [parcel() for _ in range(500)]
    events = [event for stream in streams for event in (registered(stream), weighed(stream))]
    appended = append(*events, expected=dict.fromkeys(streams, NO_STREAM))
    assert positions(appended.events) == list(range(1, 1001))
    assert {event.version for event in appended.events} == {1, 2}


def test_a_snapshot_older_than_the_lock_is_refused(database: Database) -> None:
    if database.vendor != "postgresql":
        pytest.skip("SQLite's write transactions have no such snapshot")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(IsolationTooHigh, match="READ COMMITTED"):
            append(registered(parcel()))


def test_a_version_read_inside_the_append_lock_is_still_current_at_the_append() -> None:
    stream = parcel()
    append(registered(stream))
    with store.append_lock():
        version = next(store.read_stream(stream, backwards=True, limit=1)).version
        append(weighed(stream), expected={stream: version})
    assert store.head().position == 2


def test_the_barrier_returns_outside_and_inside_a_transaction() -> None:
    append(registered(parcel()))
    store.barrier()
    with transaction.atomic():
        store.barrier()


WRITES: dict[str, Callable[[], object]] = {
    "create": lambda: Event.objects.create(position=9),
    "bulk_create": lambda: Event.objects.bulk_create([Event(position=9)]),
    "update": lambda: Event.objects.all().update(actor="x"),
    "bulk_update": lambda: Event.objects.bulk_update([Event(position=1)], ["actor"]),
    "delete": lambda: Event.objects.all().delete(),
    "get_or_create": lambda: Event.objects.get_or_create(position=9),
    "update_or_create": lambda: Event.objects.update_or_create(position=1, defaults={"actor": "x"}),
    "save": lambda: Event(position=9).save(),
    "save_base": lambda: Event(position=9).save_base(),
    "delete of one": lambda: Event.objects.get(position=1).delete(),
}


@pytest.mark.parametrize("write", WRITES)
def test_the_model_refuses_every_write(write: str) -> None:
    append(registered(parcel()))
    with pytest.raises(AppendOnly, match="events are never"):
        WRITES[write]()
    assert Event.objects.get().actor == CONTEXT.actor
