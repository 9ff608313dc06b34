-- Appends one event to one stream, without an idempotency key, as most appends do, in less processor time than
-- eventstore_append: PL/pgSQL prepares each expression anew in each transaction, so this function has few of them, and
-- each array among the parameters takes as long as a statement.
--
-- how is that of eventstore_append, and expected the version of the stream (-1: any).
--
-- The answer is null, and nothing is written, if the stream has another version. Otherwise it is the position and the
-- version of the event, when it was recorded, and whether the lock was contended, each in the binary form of its type:
-- bigint, bigint, timestamptz and boolean.
--
-- It inserts with its owner's rights, as eventstore_append does.
CREATE FUNCTION eventstore_append_one(
    how integer, stream text, expected bigint, event_type text, event_schema_version bigint, event_payload text,
    event_actor text, event_correlation_id text, event_causation bigint, event_metadata text
) RETURNS bytea LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    contended boolean;
    answer bytea;
    ignored text;
    ignored_void boolean;
BEGIN
    -- One expression, since each costs. For how = 2 it also sets synchronous_commit, and it takes the lock if that is free. All else
    -- is left to eventstore_take_append_lock, whose key this is.
    IF how = 0 OR current_setting('transaction_isolation') <> 'read committed'
       OR how = 2 AND set_config('synchronous_commit', 'off', true) <> 'off'
       OR NOT pg_try_advisory_xact_lock(4919131752989213764)
    THEN
        contended := eventstore_take_append_lock(how);
    END IF;
    -- The statement sees what was committed before the lock was had. The newest event must never be deleted.
    -- Position and version are right: the insert trigger need not look at them again.
    ignored := set_config('eventstore.appending', 'on', true);
    INSERT INTO eventstore_event AS e (position, stream_id, version, type, schema_version, payload, actor,
                                       correlation_id, causation, metadata, recorded_at)
    SELECT coalesce((SELECT e.position FROM eventstore_event e ORDER BY e.position DESC LIMIT 1), 0) + 1,
           stream, before.version + 1, event_type, event_schema_version, event_payload::jsonb, event_actor,
           event_correlation_id, event_causation, event_metadata::jsonb, clock_timestamp()
    FROM (
        SELECT coalesce((SELECT e.version FROM eventstore_event e WHERE e.stream_id = stream
                         ORDER BY e.version DESC LIMIT 1), 0) AS version
        OFFSET 0  -- so that the version is looked up once
    ) AS before
    WHERE expected < 0 OR expected = before.version
    RETURNING int8send(e.position) || int8send(e.version) || timestamptz_send(e.recorded_at)
                  || boolsend(contended IS TRUE),
              pg_notify('eventstore', e.position::text) IS NULL
    INTO answer, ignored_void;
    ignored := set_config('eventstore.appending', '', true);
    RETURN answer;
END
$$;

-- The same, but it releases the lock early and waits for the disk, as eventstore_append_early does.
CREATE PROCEDURE eventstore_append_one_early(
    how integer, stream text, expected bigint, event_type text, event_schema_version bigint, event_payload text,
    event_actor text, event_correlation_id text, event_causation bigint, event_metadata text,
    OUT answer bytea
) LANGUAGE plpgsql AS $$
DECLARE
    ignored pg_lsn;
BEGIN
    answer := eventstore_append_one(how, stream, expected, event_type, event_schema_version, event_payload, event_actor,
                                    event_correlation_id, event_causation, event_metadata);
    COMMIT;
    ignored := pg_logical_emit_message(true, 'eventstore', '');
END
$$;

-- The search path is fixed, so that no caller can put a table or a function of its own in the way.
DO $$
DECLARE
    append CONSTANT regprocedure := 'eventstore_append_one'::regproc::regprocedure;
BEGIN
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', append, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', append);
END
$$;
