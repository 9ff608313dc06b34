-- Appends alone, releases the lock early and waits for the disk, in one call: the commit within is asynchronous and frees
-- the lock; the message after it is committed as usual, which waits until everything before it is on disk.
-- Parameters and answer are those of eventstore_append.
CREATE PROCEDURE eventstore_append_early(
    how integer,
    stream_ids text[], expected bigint[],
    event_streams text[], stream_indexes bigint[], places bigint[],
    types text[], schema_versions bigint[], payloads text[],
    event_actor text, event_correlation_id text, event_causation bigint, event_metadata text,
    key_scope text, key_text text, key_fingerprint text,
    OUT answer bigint[]
) LANGUAGE plpgsql AS $$
BEGIN
    answer := eventstore_append(
        how, stream_ids, expected, event_streams, stream_indexes, places, types, schema_versions, payloads,
        event_actor, event_correlation_id, event_causation, event_metadata, key_scope, key_text, key_fingerprint);
    COMMIT;
    PERFORM pg_logical_emit_message(true, 'eventstore', '');
END
$$;
