-- What a consumer asks PostgreSQL for and writes at the head of the log. Each statement is prepared once for a connection.

-- name: rows
SELECT {columns} FROM eventstore_checkpoint WHERE name = ANY(%s) ORDER BY name

-- name: locked_rows
SELECT {columns} FROM eventstore_checkpoint WHERE name = ANY(%s) ORDER BY name FOR UPDATE

-- name: skips
SELECT consumer, position, id FROM eventstore_operatoraction
WHERE consumer = ANY(%s) AND action = 'skip'
  AND position > (SELECT min(position) FROM eventstore_checkpoint WHERE name = ANY(%s))

-- name: generations
SELECT projector, position, filled FROM eventstore_generation
WHERE projector = ANY(%s) AND number = (SELECT max(generation) FROM eventstore_checkpoint WHERE name = ANY(%s))

-- name: events
SELECT {event_columns} FROM eventstore_event
WHERE position >= (SELECT greatest(min(position), 1) FROM eventstore_checkpoint WHERE name = ANY(%s))
ORDER BY position LIMIT %s

-- name: move
UPDATE eventstore_checkpoint
SET position = %s, recorded_at = %s::timestamptz, progress = %s::jsonb, rate = %s::double precision, error_count = 0,
    waiting_for = '', last_seen = statement_timestamp(), error_position = NULL, error_message = '', error_at = NULL,
    went_back_from = NULL
WHERE name = ANY(%s)
RETURNING 1

-- name: keep_progress
UPDATE eventstore_checkpoint
SET progress = %s::jsonb, rate = %s::double precision, waiting_for = '', last_seen = statement_timestamp()
WHERE name = %s
RETURNING 1

-- name: move_generation
UPDATE eventstore_generation SET position = %s
WHERE projector = ANY(%s) AND number = %s AND (position = %s OR position IS NULL)
RETURNING 1
