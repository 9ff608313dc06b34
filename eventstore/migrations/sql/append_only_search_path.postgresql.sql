-- Lets the trigger find the log wherever it fires: a worker that applies logical replication has an empty search_path, so
-- that even the next row of the log was refused, because its table did not exist.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION eventstore_refuse_gap() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END
$$;
