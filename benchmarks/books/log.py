"""Makes a long log, and its read models, of a short one: by SQL, so that ten million events take minutes.

Every company, deal, asset and product of the short log is copied many times under uuids and references of its own; the
dates are not. The copies of an event follow each other, so that the order within each stream and of the dates stays.
"""

from typing import Any, Final

import psycopg
from psycopg import sql

SHARED: Final = ("SystemCycled", "LateFeesAssessed")
"""Events of the system's stream, which is not copied."""

_MADE_AFTERWARDS: Final = "projectors_customerranking"
"""See `benchmarks.books.rankings`: which customers are first is not a copy of anything."""

_POSITIONS: Final = {
    "position",
    "through",
    "originated_position",
    "principal_zero_position",
    "owing_again_position",
    "causation",
}
_NAMES: Final = {"reference", "reference_identity", "name", "text"}
_KEPT: Final = {"generation", "minor_digits"}

_FUNCTIONS: Final = r"""
CREATE FUNCTION seed.uuid(uuid, k bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN (lpad(to_hex(k), 8, '0') || substr($1::text, 9))::uuid;
CREATE FUNCTION seed.uuids(text, k bigint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN regexp_replace($1, '[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})',
                          lpad(to_hex(k), 8, '0') || '\1', 'g');
CREATE FUNCTION seed.payload(text, k bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN regexp_replace(seed.uuids($1, k), '"(reference|name)": "([^"]+)"', '"\1": "\2x' || k || '"', 'g')::jsonb;
CREATE FUNCTION seed.assessed(jsonb, k bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN $1 || jsonb_build_object(
        'overdue', ($1->>'overdue')::bigint * k, 'incurred', ($1->>'incurred')::bigint * k,
        'not_assessed', ($1->>'not_assessed')::bigint * k, 'rounded_to_zero', ($1->>'rounded_to_zero')::bigint * k,
        'totals', (SELECT coalesce(jsonb_agg(t || jsonb_build_object('amount', ((t->>'amount')::numeric * k)::text)),
                                   '[]')
                   FROM jsonb_array_elements($1->'totals') AS t));
CREATE FUNCTION seed.counts(jsonb, k bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN (SELECT jsonb_object_agg(key, CASE WHEN key IN ('SystemCycled', 'LateFeesAssessed') THEN value
                                              ELSE to_jsonb(value::bigint * k) END)
            FROM jsonb_each($1));
CREATE TABLE seed.place AS
    SELECT position AS old, is_shared,
           coalesce(sum(CASE WHEN is_shared THEN 1 ELSE {copies} END)
                    OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS base
    FROM (SELECT position, type IN ('SystemCycled', 'LateFeesAssessed') AS is_shared FROM seed.eventstore_event) AS e;
ALTER TABLE seed.place ADD PRIMARY KEY (old);
ANALYZE seed.place;
CREATE FUNCTION seed.place(bigint, k bigint) RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT base + CASE WHEN is_shared THEN 1 ELSE k END FROM seed.place WHERE old = $1);
"""
_EVENTS: Final = """
INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor, correlation_id,
                              causation, metadata, recorded_at)
SELECT p.base + CASE WHEN p.is_shared THEN 1 ELSE k END,
       CASE WHEN p.is_shared THEN stream_id ELSE seed.uuids(stream_id, k) END, version, type, schema_version,
       CASE WHEN type = 'LateFeesAssessed' THEN seed.assessed(payload, {copies})
            WHEN p.is_shared THEN payload ELSE seed.payload(payload::text, k) END,
       actor, CASE WHEN p.is_shared THEN correlation_id ELSE seed.uuids(correlation_id, k) END,
       c.base + CASE WHEN c.is_shared THEN 1 ELSE k END, metadata, recorded_at
FROM (SELECT * FROM seed.eventstore_event ORDER BY position) AS e
JOIN seed.place AS p ON p.old = e.position
LEFT JOIN seed.place AS c ON c.old = e.causation
CROSS JOIN LATERAL generate_series(1, CASE WHEN p.is_shared THEN 1 ELSE {copies} END) AS k
"""
_INDEXES: Final = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
WHERE t.relnamespace = 'public'::regnamespace AND (t.relname LIKE 'projectors%' OR t.relname = 'eventstore_event')
  AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
"""
_COPIED: Final = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND (relname LIKE"
    " 'projectors%' OR relname IN ('eventstore_event', 'eventstore_checkpoint', 'eventstore_generation'))"
)


def multiply(source: str, target: str, copies: int) -> int:
    """Fill a migrated database with so many copies of the log of another; return the number of events."""
    with psycopg.connect(source) as given, psycopg.connect(target, autocommit=True) as made:
        tables = [str(name) for (name,) in given.execute(_COPIED).fetchall()]
        made.execute("SET eventstore.appending = 'on'; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'")
        made.execute("CREATE SCHEMA seed")
        for table in tables:
            _bring(given, made, table)
        made.execute(_FUNCTIONS.replace("{copies}", str(copies)))
        indexes = made.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            made.execute(f"DROP INDEX {name}")
        made.execute(_EVENTS.format(copies=copies))
        for table in tables:
            if table.startswith("projectors") and table != _MADE_AFTERWARDS:
                made.execute(_rows(made, table, copies))
        for _, definition in indexes:
            made.execute(definition)
        _register(made, copies)
        made.execute("DROP SCHEMA seed CASCADE")
        made.execute("VACUUM ANALYZE")
        (events,) = made.execute("SELECT max(position) FROM eventstore_event").fetchone() or (0,)
        return int(events)


def _bring(given: psycopg.Connection[Any], made: psycopg.Connection[Any], table: str) -> None:
    """Copy a table of the short log into the schema `seed`."""
    name = sql.Identifier(table)
    made.execute(sql.SQL("CREATE TABLE seed.{} AS TABLE public.{} WITH NO DATA").format(name, name))
    with (
        given.cursor().copy(sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(name)) as rows,
        made.cursor().copy(sql.SQL("COPY seed.{} FROM STDIN").format(name)) as to,
    ):
        for row in rows:
            to.write(row)


def _rows(made: psycopg.Connection[Any], table: str, copies: int) -> str:
    """Return the statement that fills a read model."""
    columns = made.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attname <> 'id' ORDER BY attnum",
        [f"public.{table}"],
    ).fetchall()
    # A read model that names no entity sums over all: its sums are multiplied, and its rows are not copied.
    is_summed = all(kind != "uuid" for _, kind in columns)
    k, number = (str(copies), 1) if is_summed else ("k", copies)
    values = [_value(str(name), str(kind), k, is_summed=is_summed) for name, kind in columns]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    return (
        f"INSERT INTO public.{table} ({names}) SELECT {', '.join(values)}"
        f" FROM (SELECT * FROM seed.{table} ORDER BY id) AS t CROSS JOIN LATERAL generate_series(1, {number}) AS k"
    )


def _value(name: str, kind: str, k: str, *, is_summed: bool) -> str:
    """Return the expression for a column of a copy."""
    column = f't."{name}"'
    if name in _POSITIONS:
        return f"coalesce(seed.place({column}, {k}), {column})"  # some name no event, but the end of all
    if name == "first_position":
        return f"seed.place({column}, 1)"
    if kind == "uuid":
        return f"seed.uuid({column}, {k})"
    if name in _NAMES:
        return f"CASE {column} WHEN '' THEN '' ELSE {column} || 'x' || {k} END"
    if name == "word":
        return f"CASE WHEN lower(t.text) LIKE '%' || {column} THEN {column} || 'x' || {k} ELSE {column} END"
    if kind == "jsonb":
        return f"seed.counts({column}, {k})" if is_summed else f"seed.uuids({column}::text, {k})::jsonb"
    if is_summed and kind in {"numeric", "bigint"} and name not in _KEPT:
        return f"{column} * {k}"
    return column


def _register(made: psycopg.Connection[Any], copies: int) -> None:
    """Let the consumers stand where they stand in the short log."""
    made.execute("DELETE FROM eventstore_checkpoint; DELETE FROM eventstore_generation")
    made.execute(
        "INSERT INTO eventstore_generation SELECT * FROM seed.eventstore_generation;"
        f" UPDATE eventstore_generation SET position = seed.place(position, {copies});"
        "INSERT INTO eventstore_checkpoint SELECT * FROM seed.eventstore_checkpoint;"
        f" UPDATE eventstore_checkpoint SET position = coalesce(seed.place(position, {copies}), 0),"
        " registered_position = 0, error_position = NULL"
    )
