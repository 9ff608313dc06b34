-- The reads of the log. {columns} are the columns of RecordedEvent. Lower bounds are exclusive, upper bounds inclusive.

-- name: head
SELECT {columns} FROM eventstore_event ORDER BY position DESC LIMIT 1

-- name: event
SELECT {columns} FROM eventstore_event WHERE position = %s

-- name: all_forwards
SELECT {columns} FROM eventstore_event WHERE position > %s AND position <= %s ORDER BY position LIMIT %s

-- name: all_backwards
SELECT {columns} FROM eventstore_event WHERE position > %s AND position <= %s ORDER BY position DESC LIMIT %s

-- name: category_forwards
SELECT {columns} FROM eventstore_event
WHERE category = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s

-- name: category_backwards
SELECT {columns} FROM eventstore_event
WHERE category = %s AND position > %s AND position <= %s ORDER BY position DESC LIMIT %s

-- Each type has a branch of its own, joined by UNION ALL, so that each branch reads the index of (type, position).
-- name: type_branch_forwards
SELECT * FROM (
    SELECT {columns} FROM eventstore_event
    WHERE type = %s AND category = coalesce(%s, category) AND position > %s AND position <= %s ORDER BY position LIMIT %s
) AS branch

-- name: type_branch_backwards
SELECT * FROM (
    SELECT {columns} FROM eventstore_event
    WHERE type = %s AND category = coalesce(%s, category) AND position > %s AND position <= %s ORDER BY position DESC LIMIT %s
) AS branch

-- name: order_branches_forwards
 ORDER BY position LIMIT %s

-- name: order_branches_backwards
 ORDER BY position DESC LIMIT %s

-- name: stream_forwards
SELECT {columns} FROM eventstore_event
WHERE stream_id = %s AND version > %s AND version <= %s AND position <= %s ORDER BY version LIMIT %s

-- name: stream_backwards
SELECT {columns} FROM eventstore_event
WHERE stream_id = %s AND version > %s AND version <= %s AND position <= %s ORDER BY version DESC LIMIT %s

-- name: by_stream
SELECT {columns} FROM eventstore_event
WHERE (stream_id, version) > (%s, %s) AND position <= %s ORDER BY stream_id, version LIMIT %s

-- name: versions_by_stream
SELECT stream_id, version, position FROM eventstore_event
WHERE (stream_id, version) > (%s, %s) AND position <= %s ORDER BY stream_id, version LIMIT %s

-- Which of these positions have an event whose stream does not have the version before it at an earlier position, or has
-- the version after it there. Each subquery reads one entry of an index, whatever the statistics say.
-- name: out_of_order
SELECT event.position FROM eventstore_event event
WHERE event.position > %s AND event.position <= %s AND ((
    SELECT next.position FROM eventstore_event next
    WHERE next.stream_id = event.stream_id AND next.version = event.version + 1
) < event.position OR event.version > 1 AND coalesce((
    SELECT previous.position FROM eventstore_event previous
    WHERE previous.stream_id = event.stream_id AND previous.version = event.version - 1
), event.position) >= event.position)

-- The code appends the conditions, the order and the limit.
-- name: search
SELECT {columns} FROM eventstore_event WHERE position > %s

-- A page begins after the version at which the page before it ended.
-- name: beyond_page_of_stream
 AND version > coalesce(
    (SELECT page.version FROM eventstore_event page WHERE page.position = %s AND page.stream_id = %s), 0)

-- The expressions hide the index of types, in which PostgreSQL without statistics reads all events of the types for each stream.
-- name: latest_postgresql
SELECT e.* FROM unnest(%s::text[]) AS wanted (stream_id)
CROSS JOIN LATERAL (
    SELECT {columns} FROM eventstore_event newest
    WHERE newest.stream_id = wanted.stream_id AND newest.type || '' = ANY (%s::text[]) AND newest.position + 0 <= %s
    ORDER BY newest.version DESC LIMIT 1
) AS e

-- The code puts in {fields}.
-- name: newest_fields
SELECT wanted.number, e.* FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (stream_id, number)
CROSS JOIN LATERAL (
    SELECT newest.type, newest.schema_version, {fields} FROM eventstore_event newest
    WHERE newest.stream_id = wanted.stream_id AND newest.type || '' = ANY (%s::text[]) AND newest.position + 0 <= %s
    ORDER BY newest.version DESC LIMIT 1
) AS e

-- The streams are passed as one JSON array, because SQLite limits the number of parameters.
-- name: latest_sqlite
SELECT {columns} FROM eventstore_event
WHERE position IN (
    SELECT (
        SELECT newest.position FROM eventstore_event newest
        WHERE newest.stream_id = wanted.value AND newest.type IN (SELECT value FROM json_each(%s))
        AND newest.position <= %s ORDER BY newest.version DESC LIMIT 1
    ) FROM json_each(%s) AS wanted
)

-- Of each stream the events above a version, at most so many of each, and the newest position, all as of one moment. A
-- bound of the versions reads no more than that under any plan; with a LIMIT, PostgreSQL sorted the whole stream.
-- There is one row at least, whose columns of an event are null if there is no event to return.
-- name: streams_postgresql
SELECT coalesce((SELECT max(newest.position) FROM eventstore_event newest), 0), found.*
FROM (SELECT 1) AS one LEFT JOIN (
    SELECT e.* FROM unnest(%s::text[], %s::bigint[]) AS wanted (stream_id, after)
    CROSS JOIN LATERAL (
        SELECT {columns} FROM eventstore_event event
        WHERE event.stream_id = wanted.stream_id AND event.version > wanted.after AND event.version <= wanted.after + {many}
    ) AS e
) AS found ON true

-- The same for few streams; the code joins a branch for each by UNION ALL. PostgreSQL keeps the plan. It would never keep
-- that of arrays, because it assumes that an array which it does not know has ten elements; and to plan takes longer than
-- to read.
-- name: few_streams_postgresql
SELECT coalesce((SELECT max(newest.position) FROM eventstore_event newest), 0), found.*
FROM (SELECT 1) AS one LEFT JOIN ({branches}) AS found ON true

-- name: stream_branch
SELECT {columns} FROM eventstore_event WHERE stream_id = %s AND version > %s AND version <= %s

-- name: streams_sqlite
SELECT coalesce((SELECT max(newest.position) FROM eventstore_event newest), 0), found.*
FROM (SELECT 1) AS one LEFT JOIN (
    SELECT {columns} FROM (
        SELECT value ->> 0 AS wanted_stream_id, value ->> 1 AS after FROM json_each(%s)
    ) AS wanted CROSS JOIN eventstore_event
    WHERE stream_id = wanted_stream_id AND version > after AND version <= after + {many}
) AS found ON true

-- name: versions_postgresql
SELECT wanted.stream_id, coalesce(newest.version, 0) FROM unnest(%s::text[]) AS wanted (stream_id)
LEFT JOIN LATERAL (
    SELECT found.version FROM eventstore_event found
    WHERE found.stream_id = wanted.stream_id ORDER BY found.version DESC LIMIT 1
) AS newest ON true

-- name: versions_sqlite
SELECT wanted.value, coalesce(
    (SELECT max(version) FROM eventstore_event WHERE stream_id = wanted.value), 0) FROM json_each(%s) AS wanted

-- name: snapshots
SELECT version, position, recorded_at, state, checksum FROM eventstore_snapshot
WHERE stream_id = %s AND position <= %s AND fingerprint = %s ORDER BY version DESC LIMIT 3
