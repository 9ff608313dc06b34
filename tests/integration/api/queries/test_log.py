"""The log over HTTP: in order, narrowed by filters alone and together, each by an index."""

import gc
import re
from itertools import combinations
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eventstore import store
from eventstore.records import RecordedEvent
from ledger.rules.events import CATEGORIES
from tests.support.api.calling import Api, problem
from tests.support.consumers.tampering import unguarded
from tests.support.databases import Database, connected_as
from tests.support.postgres.roles import OWNER

STREAM: Final = "/api/events/stream"
FILTERS: Final = ("type", "stream_id", "category", "correlation_id")

Item = dict[str, Any]


def every(api: Api, path: str) -> list[Item]:
    items: list[Item] = []
    following: str | None = path
    while following is not None:
        response = api.get(following)
        assert response.status_code == 200, response.content
        items += response.json()["items"]
        following = response.json()["next"]
    return items


def item_of(event: RecordedEvent) -> Item:
    return {
        "position": event.position,
        "stream_id": event.stream_id,
        "version": event.version,
        "type": event.type,
        "payload": event.payload,
        "schema_version": event.schema_version,
        "actor": event.actor,
        "actor_id": None,
        "correlation_id": event.correlation_id,
        "causation": event.causation,
        "recorded_at": event.recorded_at.isoformat(),
    }


def query(event: RecordedEvent, names: tuple[str, ...]) -> str:
    return "&".join(f"{name}={getattr(event, name)}" for name in names).replace(" ", "%20")


def test_the_pages_contain_the_whole_log_in_order(reader: Api) -> None:
    log = [item_of(event) for event in store.read_all()]
    assert every(reader, "/api/events?limit=7") == log
    assert every(reader, "/api/events?limit=1000") == log
    assert every(reader, f"/api/events?after={len(log) - 3}") == log[-3:]
    assert every(reader, f"/api/events?after={len(log)}") == []
    assert every(reader, f"/api/events?after={2**63 - 1}") == []


def test_an_event_is_found_by_its_position_and_nothing_by_another(reader: Api) -> None:
    head = store.head().position
    for event in store.read_all(limit=5):
        response = reader.get(f"/api/events/{event.position}")
        assert response.json() == item_of(event)
        assert response["Ledger-Position"] == str(head)
    for wrong in (0, head + 1, 2**63 - 1, 2**63, 2**200):
        problem(reader.get(f"/api/events/{wrong}"), 404, "not-found")
    for text in ("-1", "x", "1.0", "9" * 5000, "%00", "%F0%9F%92%A9"):
        problem(reader.get(f"/api/events/{text}"), 404, "no-such-address")


@pytest.mark.parametrize("names", [names for number in range(1, 5) for names in combinations(FILTERS, number)])
def test_filters_alone_and_together_find_what_matches_all_of_them(names: tuple[str, ...], reader: Api) -> None:
    log = list(store.read_all())
    for event in [*log[1::29], log[-1]]:
        expected = [
            item_of(other) for other in log if all(getattr(other, name) == getattr(event, name) for name in names)
        ]
        assert every(reader, f"/api/events?{query(event, names)}&limit=3") == expected
        after = [item for item in expected if item["position"] > event.position]
        assert every(reader, f"/api/events?{query(event, names)}&after={event.position}&limit=1000") == after


def test_filters_that_exclude_each_other_find_nothing(reader: Api) -> None:
    stream = next(store.read_all(category="company")).stream_id
    for nothing in (
        "type=SystemCycled&category=company",
        "type=FundsDebited&category=deal",
        f"stream_id={stream}&category=asset",
        f"stream_id={stream}&type=SystemCycled",
        f"stream_id=company-{uuid4()}",
        "correlation_id=nobody&type=CompanyFunded",
    ):
        assert every(reader, f"/api/events?{nothing}") == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("type", ["companyfunded", "CompanyFund", "", "%00", "9" * 5000]),
        ("category", ["companies", "Company", "", "%00"]),
        ("stream_id", ["company-1", "COMPANY", "", "%00", f"company-{str(uuid4()).upper()}", "company-%00"]),
        ("correlation_id", ["", "%00", "a%00b", "x" * 201]),
        ("after", ["-1", "x", "", "1.0", "9223372036854775808", "9" * 5000, "%00"]),
        ("limit", ["0", "1001", "x", ""]),
    ],
)
def test_a_filter_that_cannot_be_one_is_refused_with_its_place(name: str, wrong: list[str], reader: Api) -> None:
    for value in wrong:
        refused = problem(reader.get(f"/api/events?{name}={value}"), 422, "invalid-input")
        assert [fault["pointer"] for fault in refused["errors"]] == [f"/{name}"]


@pytest.mark.one_database
def test_an_unknown_type_is_refused_with_those_that_there_are(reader: Api) -> None:
    refused = problem(reader.get("/api/events?type=Nothing"), 422, "invalid-input")
    for classes in CATEGORIES.values():
        for cls in classes:
            assert cls.__name__ in refused["errors"][0]["detail"]
    assert refused["errors"][0]["detail"].startswith("must be 'AssetFinanced', ")


@pytest.mark.one_database
def test_what_cannot_be_followed_is_refused(reader: Api) -> None:
    head = store.head().position
    beyond = problem(reader.get(STREAM, {"Last-Event-ID": str(head + 1)}), 422, "position-beyond-head")
    assert (beyond["position"], beyond["head"]) == (head + 1, head)
    problem(reader.get(f"{STREAM}?after={head + 1}"), 422, "position-beyond-head")
    for wrong in ("-1", "x", "1.0", "9223372036854775808", "9" * 5000):
        problem(reader.get(STREAM, {"Last-Event-ID": wrong}), 422, "invalid-input")
        problem(reader.get(f"{STREAM}?after={wrong}"), 422, "invalid-input")
    for name in ("type", "category", "stream_id", "correlation_id", "limit"):
        refused = problem(reader.get(f"{STREAM}?{name}=%00"), 422, "invalid-input")
        assert [fault["pointer"] for fault in refused["errors"]] == [f"/{name}"]


def test_a_stream_that_is_not_read_to_its_end_frees_its_place(reader: Api) -> None:
    kept = []
    for _ in range(6):
        response = reader.get(STREAM)
        kept.append(response)
        assert response.status_code == 200
        response.close()
    for _ in range(6):
        # Forgotten, as if something had failed before it was sent.
        assert reader.get(STREAM).status_code == 200
        gc.collect()


LENGTH: Final = 30_000
LONG_LOG: Final = """
INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor, correlation_id,
 metadata, recorded_at)
SELECT n,
 CASE WHEN n %% 100 = 1 THEN 'system' ELSE 'product-00000000-0000-4000-8000-' || {entity} END,
 CASE WHEN n %% 100 = 1 THEN n / 100 + 1 ELSE n / 1000 + 1 END,
 CASE WHEN n %% 100 = 1 THEN 'SystemCycled' WHEN n %% 7000 = 0 THEN 'LateFeeWaived' ELSE 'LateFeeIncurred' END,
 1, '{{}}', 'robot', CASE WHEN n < 20000 THEN 'import' ELSE 'c' || (n / 3) END, '{{}}', {moment}
FROM ({numbers}) AS numbers
"""


def write_long_log() -> None:
    if connection.vendor == "postgresql":
        numbers = f"select generate_series(1, {LENGTH})::bigint as n"
        entity, moment = "lpad((n %% 1000)::text, 12, '0')", "now()"
    else:
        counted = f"values (1) union all select n + 1 from counted where n < {LENGTH}"
        numbers = f"with recursive counted(n) as ({counted}) select n from counted"
        entity, moment = "substr('000000000000' || (n %% 1000), -12)", "datetime('now')"
    with unguarded() as cursor:
        cursor.execute(LONG_LOG.format(numbers=numbers, entity=entity, moment=moment), [])


@pytest.mark.parametrize("with_statistics", [False, True])
def test_no_filter_reads_more_of_a_long_log_than_it_finds(with_statistics: bool, database: Database, api: Api) -> None:
    write_long_log()
    if with_statistics:
        with connected_as(OWNER), connection.cursor() as cursor:
            cursor.execute("ANALYZE eventstore_event")
    stream = "product-00000000-0000-4000-8000-000000000007"
    for asked, index in (
        ("", "pkey|PRIMARY KEY"),
        ("after=29000", "pkey|PRIMARY KEY"),
        ("type=LateFeeWaived", "event_type_position"),
        ("category=system", "event_category_position"),
        (f"stream_id={stream}", "event_stream_id_version_unique|autoindex"),
        (f"stream_id={stream}&type=LateFeeIncurred&category=product", "event_stream_id_version_unique|autoindex"),
        ("correlation_id=c7000", "event_correlation_position"),
        ("correlation_id=c7000&type=LateFeeIncurred", "event_correlation_position"),
        ("correlation_id=nothing&category=product", "event_correlation_position"),
        ("correlation_id=import&type=LateFeeWaived", "event_type_position"),
        ("type=SystemCycled&category=system", "event_type_position"),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"/api/events?{asked}").status_code == 200
        [read] = [
            one["sql"] for one in queries.captured_queries if " payload," in one["sql"] and "LIMIT 101" in one["sql"]
        ]
        found = plan(read)
        assert re.search(index, found), found
        assert "Seq Scan" not in found, found
        assert not re.search(r"SCAN eventstore_event(?! USING INTEGER PRIMARY KEY)", found) or not asked, found


def plan(sql: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}".replace("%", "%%"), ())
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
