-- Refuses the change of a row even if statement triggers do not fire, as when logical replication applies a change.
CREATE TRIGGER event_row_is_append_only BEFORE UPDATE OR DELETE ON eventstore_event
FOR EACH ROW EXECUTE FUNCTION eventstore_refuse_change();
ALTER TABLE eventstore_event ENABLE ALWAYS TRIGGER event_row_is_append_only;

-- Refuses an INSERT that does not continue the log and its stream. The rows of eventstore_append are not checked again:
-- it holds the lock and has read both.
CREATE FUNCTION eventstore_refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    last bigint;
BEGIN
    SELECT e.position INTO head FROM eventstore_event e ORDER BY e.position DESC LIMIT 1;
    SELECT e.version INTO last FROM eventstore_event e
    WHERE e.stream_id = NEW.stream_id ORDER BY e.version DESC LIMIT 1;
    IF NEW.position <> coalesce(head, 0) + 1 OR NEW.version <> coalesce(last, 0) + 1 THEN
        RAISE EXCEPTION 'the log is append-only: INSERT of position % and version % is refused, for % and % are next',
            NEW.position, NEW.version, coalesce(head, 0) + 1, coalesce(last, 0) + 1 USING ERRCODE = 'DB002';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER event_continues_the_log BEFORE INSERT ON eventstore_event
FOR EACH ROW WHEN (current_setting('eventstore.appending', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION eventstore_refuse_gap();
ALTER TABLE eventstore_event ENABLE ALWAYS TRIGGER event_continues_the_log;
