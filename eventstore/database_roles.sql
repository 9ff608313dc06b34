-- Gives each role of the database what it needs and no more. Run it as the owner of the tables, after each migration:
-- a function that a migration replaces loses what is set here. It can be run again at any time.
--
-- daybook_app: appends by eventstore_append alone, and keeps everything else: checkpoints, read models, users, sessions.
-- daybook_reader: reads the log and the read models, and neither users nor sessions nor tokens.
DO $roles$
DECLARE
    role_name text;
    here CONSTANT text := current_schema();
    named record;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['daybook_app', 'daybook_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another session was quicker
            END;
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', here, role_name);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', here, role_name);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', here);

    FOR named IN SELECT tablename AS name FROM pg_tables WHERE schemaname = here LOOP
        IF named.name IN ('eventstore_event', 'django_migrations') THEN
            EXECUTE format('GRANT SELECT ON %I.%I TO daybook_app', here, named.name);
        ELSIF named.name = 'eventstore_recordedkey' THEN
            -- Keys are recorded by the append, and deleted when they expire.
            EXECUTE format('GRANT SELECT, DELETE ON %I.%I TO daybook_app', here, named.name);
        ELSE
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I.%I TO daybook_app', here, named.name);
        END IF;
        IF named.name ~ '^(eventstore|projectors)_' AND named.name <> 'eventstore_recordedkey' THEN
            EXECUTE format('GRANT SELECT ON %I.%I TO daybook_reader', here, named.name);
        END IF;
    END LOOP;
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO daybook_app', here);

    -- The function inserts with its owner's rights. Its search_path is fixed, so that no caller can put a table or a
    -- function of its own in the way.
    FOR named IN
        SELECT p.oid::regprocedure AS signature, p.proname AS name FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = here AND p.proname IN ('eventstore_append', 'eventstore_append_early')
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', named.signature);
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO daybook_app', named.signature);
        IF named.name = 'eventstore_append' THEN
            EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, %I, pg_temp',
                           named.signature, here);
        END IF;
    END LOOP;
END
$roles$;
