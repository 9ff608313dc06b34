-- Appends events to the log in one call.
--
-- Positions are handed out under one transaction-level advisory lock, in commit order and without gaps. The log itself
-- is the counter: a counter row would grow dead versions under every long-running snapshot.
--
-- how: 0 inside the caller's own transaction, which stays synchronous;
--      1 alone: synchronous where the lock is free, released early where it is contended;
--      2 alone: released early at once, because the last appends were contended.
-- Released early means that this transaction's commit is asynchronous, so that the lock is gone before the flush and
-- many commits share one. The client must then run the barrier before it acknowledges anything.
--
-- stream_ids are the distinct streams that are written or only checked, expected their versions (-1: any).
-- Each event has its stream, the index of that stream in stream_ids and its place among that stream's new events.
--
-- outcome is 'appended', 'conflict' (nothing was written; conflicting_stream is at actual_version), 'repeated'
-- (the key was used before for the same thing) or 'reused' (for another).
CREATE FUNCTION eventstore_append(
    how integer,
    stream_ids text[], expected bigint[],
    event_streams text[], stream_indexes bigint[], places bigint[],
    types text[], schema_versions bigint[], payloads text[],
    event_actor text, event_correlation_id text, event_causation bigint, event_metadata text,
    key_scope text, key_text text, key_fingerprint text,
    OUT outcome text, OUT first_position bigint, OUT last_position bigint, OUT bases bigint[],
    OUT appended_at timestamptz, OUT contended boolean, OUT early boolean,
    OUT conflicting_stream text, OUT actual_version bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    lock_key CONSTANT bigint := 4919131752989213764;  -- the bytes of 'DAYBOOK' and a version; any constant will do
    head bigint;
    stream text;
    at integer := 0;
    known record;
BEGIN
    contended := false;
    early := how = 2;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- A snapshot taken before the lock was had would show an old newest position.
        RAISE EXCEPTION 'append needs READ COMMITTED' USING ERRCODE = 'DB001';
    END IF;
    IF how = 0 THEN
        PERFORM pg_advisory_xact_lock(lock_key);
    ELSE
        IF NOT pg_try_advisory_xact_lock(lock_key) THEN
            contended := true;
            early := true;
            PERFORM pg_advisory_xact_lock(lock_key);
        END IF;
        IF early THEN
            PERFORM set_config('synchronous_commit', 'off', true);
        END IF;
    END IF;

    IF key_text IS NOT NULL THEN
        SELECT k.fingerprint, k.first_position, k.last_position INTO known
        FROM eventstore_recordedkey k WHERE k.scope = key_scope AND k.key = key_text;
        IF FOUND THEN
            outcome := CASE WHEN known.fingerprint = key_fingerprint THEN 'repeated' ELSE 'reused' END;
            first_position := known.first_position;
            last_position := known.last_position;
            RETURN;
        END IF;
    END IF;

    FOREACH stream IN ARRAY stream_ids LOOP
        at := at + 1;
        SELECT e.version INTO actual_version FROM eventstore_event e
        WHERE e.stream_id = stream ORDER BY e.version DESC LIMIT 1;
        actual_version := coalesce(actual_version, 0);
        IF expected[at] >= 0 AND expected[at] <> actual_version THEN
            outcome := 'conflict';
            conflicting_stream := stream;
            RETURN;
        END IF;
        bases[at] := actual_version;
    END LOOP;

    SELECT e.position INTO head FROM eventstore_event e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    appended_at := clock_timestamp();
    IF cardinality(event_streams) = 1 THEN
        -- Most appends are of one event, and without unnest that takes half the time.
        INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor,
                                      correlation_id, causation, metadata, recorded_at)
        VALUES (head + 1, event_streams[1], bases[stream_indexes[1]::integer] + 1, types[1], schema_versions[1],
                payloads[1]::jsonb, event_actor, event_correlation_id, event_causation, event_metadata::jsonb,
                appended_at);
    ELSE
        INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor, correlation_id,
                                      causation, metadata, recorded_at)
        SELECT head + n.ordinality, n.stream_id, bases[n.stream_index::integer] + n.place, n.type, n.schema_version,
               n.payload::jsonb, event_actor, event_correlation_id, event_causation, event_metadata::jsonb, appended_at
        FROM unnest(event_streams, stream_indexes, places, types, schema_versions, payloads)
             WITH ORDINALITY AS n (stream_id, stream_index, place, type, schema_version, payload, ordinality);
    END IF;
    first_position := head + 1;
    last_position := head + cardinality(event_streams);

    IF key_text IS NOT NULL THEN
        INSERT INTO eventstore_recordedkey (scope, key, fingerprint, first_position, last_position, recorded_at)
        VALUES (key_scope, key_text, key_fingerprint, first_position, last_position, appended_at);
    END IF;
    PERFORM pg_notify('eventstore', last_position::text);
    outcome := 'appended';
END
$$;
