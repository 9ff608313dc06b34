-- Gives each role of the database what it needs and no more. The owner of the tables runs it after each migration, and it
-- can be run again at any time. A role that does not exist gets nothing.
--
-- daybook_app: appends by eventstore_append and eventstore_append_one alone, and keeps everything else: checkpoints, read
-- models, users, sessions.
-- daybook_reader: reads the log and the read models, and neither users nor sessions nor tokens.
DO $roles$
DECLARE
    here CONSTANT text := current_schema();
    roles CONSTANT text[] := ARRAY(SELECT rolname FROM pg_roles WHERE rolname IN ('daybook_app', 'daybook_reader'));
    app CONSTANT boolean := 'daybook_app' = ANY (roles);
    reader CONSTANT boolean := 'daybook_reader' = ANY (roles);
    tables text[];
    table_name text;
    role_name text;
    named record;
BEGIN
    -- Two sessions that change the rights of one table at once would fail.
    PERFORM pg_advisory_xact_lock(4919131752989213765);
    -- Only the owner of a table, or a member of its role, gives rights: tables of others are left alone.
    tables := ARRAY(SELECT tablename FROM pg_tables WHERE schemaname = here AND pg_has_role(tableowner, 'USAGE'));
    IF (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = here) THEN
        EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', here);
        FOREACH role_name IN ARRAY roles LOOP
            EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', here, role_name);
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', here, role_name);
        END LOOP;
    END IF;

    FOREACH table_name IN ARRAY tables LOOP
        FOREACH role_name IN ARRAY roles LOOP
            EXECUTE format('REVOKE ALL ON %I.%I FROM %I', here, table_name, role_name);
        END LOOP;
        IF app THEN
            EXECUTE format('GRANT %s ON %I.%I TO daybook_app', CASE
                WHEN table_name IN ('eventstore_event', 'django_migrations') THEN 'SELECT'
                -- Keys are recorded by the append, and deleted when they expire.
                WHEN table_name = 'eventstore_recordedkey' THEN 'SELECT, DELETE'
                ELSE 'SELECT, INSERT, UPDATE, DELETE' END, here, table_name);
        END IF;
        IF reader AND table_name ~ '^(eventstore|projectors)_' AND table_name <> 'eventstore_recordedkey' THEN
            EXECUTE format('GRANT SELECT ON %I.%I TO daybook_reader', here, table_name);
        END IF;
    END LOOP;

    -- What remains is for daybook_app. The functions' own rights are set by the migration that makes them.
    IF NOT app THEN
        RETURN;
    END IF;
    FOR named IN
        SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = here AND c.relkind = 'S' AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %I.%I TO daybook_app', here, named.name);
    END LOOP;
    FOR named IN
        SELECT p.oid::regprocedure AS signature FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = here AND p.proname IN ('eventstore_append', 'eventstore_append_early', 'eventstore_append_one',
                                                 'eventstore_append_one_early', 'eventstore_record_keys')
          AND pg_has_role(p.proowner, 'USAGE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO daybook_app', named.signature);
    END LOOP;
END
$roles$;
