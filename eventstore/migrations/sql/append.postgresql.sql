-- Limits how long this transaction may be idle while it holds the append lock: a frozen process must not stop every
-- writer for as long as it may keep other locks. Only an append within a caller's transaction holds the lock between
-- statements. A shorter limit of the session stays.
CREATE OR REPLACE FUNCTION eventstore_limit_idle_time() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    most CONSTANT text := coalesce(nullif(current_setting('eventstore.append_lock_idle_timeout', true), ''), '2s');
    session_limit CONSTANT text := current_setting('idle_in_transaction_session_timeout');
BEGIN
    IF session_limit = '0' OR session_limit::interval > most::interval THEN
        PERFORM set_config('idle_in_transaction_session_timeout', most, true);
    END IF;
END
$$;

-- Takes the append lock until the end of the transaction and returns whether it was contended. `how` is that of
-- eventstore_append.
CREATE OR REPLACE FUNCTION eventstore_take_append_lock(how integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    lock_key CONSTANT bigint := 4919131752989213764;  -- the bytes of 'DAYBOOK' and a version; any constant will do
    waited text;
    -- What an assignment calls is evaluated at once; PERFORM is a statement, which takes ten times as long.
    ignored text;
    ignored_void boolean;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- A snapshot taken before the lock was had would show an old newest position.
        RAISE EXCEPTION 'append needs READ COMMITTED' USING ERRCODE = 'DB001';
    END IF;
    IF how = 0 THEN
        PERFORM eventstore_limit_idle_time();
    ELSIF how = 2 THEN
        ignored := set_config('synchronous_commit', 'off', true);
    END IF;
    IF pg_try_advisory_xact_lock(lock_key) THEN
        RETURN false;
    END IF;
    IF how = 1 THEN
        ignored := set_config('synchronous_commit', 'off', true);
    END IF;
    -- The wait is bounded: a session that appended and does not end its transaction must not stop every writer.
    waited := current_setting('lock_timeout');
    ignored := set_config(
        'lock_timeout', coalesce(nullif(current_setting('eventstore.append_lock_timeout', true), ''), '10s'), true);
    ignored_void := pg_advisory_xact_lock(lock_key) IS NULL;
    ignored := set_config('lock_timeout', waited, true);
    RETURN true;
END
$$;

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
-- The events share actor, correlation id, causation and metadata, unless event_actor is null: then event_metadata is a JSON
-- list with one item for each event, [[actor, correlation id, causation], metadata].
--
-- The answer is one array of numbers, because every value more costs as much as a statement:
--      1 outcome: 0 appended, 1 conflict (nothing was written), 2 repeated (the key was used before for the same thing),
--        3 reused (for another)
--      2 first and 3 last position appended, now or under the key
--      4 when, in microseconds since 1970
--      5 whether the lock was contended, 6 whether it was released early
--      7 the index of the stream in conflict, 8 its actual version
--      9 and on: the version of each stream before the append
--
-- It inserts with its owner's rights: the application's role has none on the log but to read it. What CREATE OR REPLACE
-- does not say again is lost, so all of it stands in this file.
CREATE OR REPLACE FUNCTION eventstore_append(
    how integer,
    stream_ids text[], expected bigint[],
    event_streams text[], stream_indexes bigint[], places bigint[],
    types text[], schema_versions bigint[], payloads text[],
    event_actor text, event_correlation_id text, event_causation bigint, event_metadata text,
    key_scope text, key_text text, key_fingerprint text
) RETURNS bigint[] LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    contended CONSTANT boolean := eventstore_take_append_lock(how);
    early CONSTANT boolean := how = 2 OR how = 1 AND contended;
    head bigint;
    actual bigint;
    bases bigint[];
    appended_at timestamptz;
    stream text;
    at integer := 0;
    known record;
    -- What an assignment calls is evaluated at once; PERFORM is a statement, which takes ten times as long.
    ignored text;
    ignored_void boolean;
    shared_metadata jsonb;
BEGIN
    IF key_text IS NOT NULL THEN
        SELECT k.fingerprint, k.first_position, k.last_position INTO known
        FROM eventstore_recordedkey k WHERE k.scope = key_scope AND k.key = key_text;
        IF FOUND THEN
            RETURN ARRAY[CASE WHEN known.fingerprint = key_fingerprint THEN 2 ELSE 3 END,
                         known.first_position, known.last_position, 0, contended::integer, early::integer, 0, 0];
        END IF;
    END IF;

    -- Each statement sees what was committed before the lock was had. The newest event must never be deleted.
    IF cardinality(stream_ids) < 20 THEN
        FOREACH stream IN ARRAY stream_ids LOOP
            at := at + 1;
            SELECT e.version INTO actual FROM eventstore_event e
            WHERE e.stream_id = stream ORDER BY e.version DESC LIMIT 1;
            bases[at] := coalesce(actual, 0);
            IF expected[at] >= 0 AND expected[at] <> bases[at] THEN
                RETURN ARRAY[1, 0, 0, 0, contended::integer, early::integer, at, bases[at]];
            END IF;
        END LOOP;
    ELSE
        -- One statement for all of them; for few streams it takes longer than the loop.
        SELECT array_agg(coalesce(newest.version, 0) ORDER BY wanted.ordinality) INTO bases
        FROM unnest(stream_ids) WITH ORDINALITY AS wanted (stream_id, ordinality)
        LEFT JOIN LATERAL (
            SELECT e.version FROM eventstore_event e
            WHERE e.stream_id = wanted.stream_id ORDER BY e.version DESC LIMIT 1
        ) AS newest ON true;
        IF 0 <= ANY (expected) THEN
            SELECT stream_index INTO at FROM generate_subscripts(stream_ids, 1) AS stream_index
            WHERE expected[stream_index] >= 0 AND expected[stream_index] <> bases[stream_index]
            ORDER BY stream_index LIMIT 1;
            IF FOUND THEN
                RETURN ARRAY[1, 0, 0, 0, contended::integer, early::integer, at, bases[at]];
            END IF;
        END IF;
    END IF;
    SELECT e.position INTO head FROM eventstore_event e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    appended_at := clock_timestamp();

    -- Positions and versions are right: the insert trigger need not look at them again.
    ignored := set_config('eventstore.appending', 'on', true);
    IF event_actor IS NULL THEN
        INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor,
                                      correlation_id, causation, metadata, recorded_at)
        SELECT head + n.ordinality, n.stream_id, bases[n.stream_index::integer] + n.place, n.type, n.schema_version,
               n.payload::jsonb, n.origin #>> '{0,0}', n.origin #>> '{0,1}', (n.origin #>> '{0,2}')::bigint,
               n.origin -> 1, appended_at
        FROM ROWS FROM (unnest(event_streams), unnest(stream_indexes), unnest(places), unnest(types),
                        unnest(schema_versions), unnest(payloads), jsonb_array_elements(event_metadata::jsonb))
             WITH ORDINALITY AS n (stream_id, stream_index, place, type, schema_version, payload, origin, ordinality);
    ELSIF cardinality(event_streams) = 1 THEN
        -- Without unnest, one event takes half the time.
        INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor,
                                      correlation_id, causation, metadata, recorded_at)
        VALUES (head + 1, event_streams[1], bases[stream_indexes[1]::integer] + 1, types[1], schema_versions[1],
                payloads[1]::jsonb, event_actor, event_correlation_id, event_causation, event_metadata::jsonb,
                appended_at);
    ELSE
        shared_metadata := event_metadata::jsonb;  -- once, and not for each row
        INSERT INTO eventstore_event (position, stream_id, version, type, schema_version, payload, actor,
                                      correlation_id, causation, metadata, recorded_at)
        SELECT head + n.ordinality, n.stream_id, bases[n.stream_index::integer] + n.place, n.type, n.schema_version,
               n.payload::jsonb, event_actor, event_correlation_id, event_causation, shared_metadata, appended_at
        FROM unnest(event_streams, stream_indexes, places, types, schema_versions, payloads)
             WITH ORDINALITY AS n (stream_id, stream_index, place, type, schema_version, payload, ordinality);
    END IF;

    ignored := set_config('eventstore.appending', '', true);

    IF key_text IS NOT NULL THEN
        INSERT INTO eventstore_recordedkey (scope, key, fingerprint, first_position, last_position, recorded_at)
        VALUES (key_scope, key_text, key_fingerprint, head + 1, head + cardinality(event_streams), appended_at);
    END IF;
    ignored_void := pg_notify('eventstore', (head + cardinality(event_streams))::text) IS NULL;
    RETURN ARRAY[0, head + 1, head + cardinality(event_streams),
                 (extract(epoch FROM appended_at) * 1000000)::bigint, contended::integer, early::integer, 0, 0] || bases;
END
$$;

-- The search path is fixed, so that no caller can put a table or a function of its own in the way.
DO $$
DECLARE
    append CONSTANT regprocedure := 'eventstore_append'::regproc::regprocedure;
BEGIN
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', append, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', append);
END
$$;
