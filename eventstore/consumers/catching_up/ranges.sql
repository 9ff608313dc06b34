-- What is known of a range of the log without its payloads.

-- name: types
SELECT type, schema_version, count(*), min(position), max(position)
FROM (SELECT position, type, schema_version FROM eventstore_event WHERE position > %s ORDER BY position LIMIT %s) AS e
GROUP BY type, schema_version

-- name: moments
SELECT position, recorded_at FROM eventstore_event WHERE position = ANY (%s)

-- name: events
(SELECT position, stream_id, category, type, payload FROM eventstore_event WHERE position > %(after)s AND position <= %(up_to)s)
