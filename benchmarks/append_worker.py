"""One client of benchmarks/append.py: appends for some seconds in one of several ways, and prints how many events.

`python -m benchmarks.append_worker WAY SECONDS BATCH` waits for a line on standard input before it begins.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg

PAYLOAD = (
    '{"value":"1250.00","currency":"USD","sender_company_uuid":"7c9e6679-7425-40de-944b-e07fc1f90ae7",'
    '"receiver_company_uuid":"0b9f1f3c-58cc-4372-a567-0e02b2c3d479","reference":"invoice 2026-000123"}'
)
INSERT = (
    "INSERT INTO raw_event (stream_id, version, type, schema_version, payload, actor, correlation_id, causation,"
    " metadata, recorded_at) VALUES (%s, 1, 'AssetRegistered', 1, %s, 'benchmark', %s, NULL, %s, now())"
)
Append = Callable[[int], None]


def raw(url: str) -> Append:
    """Plain INSERTs by psycopg into a table of the same shape, prepared, each append its own transaction."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)

    def row() -> tuple[str, str, str, str]:
        uuid = str(uuid4())
        return f"asset-{uuid}", PAYLOAD, uuid, f'{{"append_id": "{uuid}"}}'

    def append(batch: int) -> None:
        if batch == 1:
            connection.execute(INSERT, row())
            return
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(INSERT, [row() for _ in range(batch)])

    return append


def daybook(_url: str) -> Append:
    """Daybook's own append: codec, registry, Django's connection and the expected version of each stream included."""
    import django

    django.setup()
    from eventstore import store
    from eventstore.records import NO_STREAM, Context, NewEvent
    from ledger.rules.events import AssetRegistered

    sender = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    receiver = UUID("0b9f1f3c-58cc-4372-a567-0e02b2c3d479")
    data = AssetRegistered(Decimal("1250.00"), "USD", sender, receiver, "invoice 2026-000123")

    def append(batch: int) -> None:
        uuids = [str(uuid4()) for _ in range(batch)]
        events = [NewEvent(f"asset-{uuid}", data) for uuid in uuids]
        context = Context("benchmark", uuids[0])
        store.append(events, context, expected={event.stream_id: NO_STREAM for event in events})

    return append


def pyeventsourcing(url: str) -> Append:
    """The recorder of the library eventsourcing, which locks its table for each insert."""
    from eventsourcing.persistence import InternalError, StoredEvent
    from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

    parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=parameters["dbname"],
        host=parameters["host"],
        port=parameters.get("port", 5432),
        user=parameters["user"],
        password=parameters.get("password", ""),
        pool_size=1,
        max_overflow=0,
        connect_timeout=60,
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="peer_event")
    for _ in range(5):  # several clients may create it at the same moment, which it does not expect
        with contextlib.suppress(InternalError):
            recorder.create_table()
            break
    state = PAYLOAD.encode()

    def append(batch: int) -> None:
        recorder.insert_events([StoredEvent(uuid4(), 1, "ledger:AssetRegistered", state) for _ in range(batch)])

    return append


def message_db(url: str) -> Append:
    """The function of message-db, which locks the category for each write; a batch is as many calls."""
    connection = psycopg.connect(
        url, autocommit=True, prepare_threshold=1, options="-c search_path=message_store,public"
    )
    write = "SELECT write_message(%s::varchar, %s::varchar, 'AssetRegistered', %s::jsonb, %s::jsonb, -1)"

    def append(batch: int) -> None:
        for _ in range(batch):
            uuid = str(uuid4())
            connection.execute(write, (str(uuid4()), f"asset-{uuid}", PAYLOAD, f'{{"append_id": "{uuid}"}}'))

    return append


WAYS = {"raw": raw, "daybook": daybook, "pyeventsourcing": pyeventsourcing, "message-db": message_db}


def main(way: str, seconds: float, batch: int) -> None:
    """Append until the time is over and print the number of events a second."""
    append = WAYS[way](os.environ["DATABASE_URL"])
    for _ in range(20):
        append(batch)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        append(batch)
        done += batch
    sys.stdout.write(f"{done / (time.perf_counter() - began)}\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
