-- Records the idempotency keys of an append of many commands, in the same transaction and after it. Each key has the
-- positions that its command recorded. It inserts with its owner's rights, and only while the session holds the append
-- lock, which it has from its append until its transaction ends. A key that exists fails the whole transaction.
CREATE OR REPLACE FUNCTION eventstore_record_keys(
    key_scopes text[], key_texts text[], key_fingerprints text[], firsts bigint[], lasts bigint[]
) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.granted AND l.pid = pg_backend_pid()
          AND (l.classid::bigint << 32) + l.objid::bigint = 4919131752989213764
    ) OR (SELECT max(n) FROM unnest(lasts) AS n) > (SELECT e.position FROM eventstore_event e
                                                    ORDER BY e.position DESC LIMIT 1) THEN
        RAISE EXCEPTION 'keys are recorded by the transaction that appends' USING ERRCODE = 'DB002';
    END IF;
    INSERT INTO eventstore_recordedkey (scope, key, fingerprint, first_position, last_position, recorded_at)
    SELECT n.scope, n.key, n.fingerprint, n.first, n.last, clock_timestamp()
    FROM unnest(key_scopes, key_texts, key_fingerprints, firsts, lasts) AS n (scope, key, fingerprint, first, last);
END
$$;

-- The search path is fixed, so that no caller can put a table or a function of its own in the way.
DO $$
DECLARE
    record_keys CONSTANT regprocedure := 'eventstore_record_keys'::regproc::regprocedure;
BEGIN
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', record_keys, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', record_keys);
END
$$;
