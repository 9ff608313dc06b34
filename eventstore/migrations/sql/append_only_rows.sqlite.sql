-- Refuses an INSERT that does not continue the log and its stream.
CREATE TRIGGER event_continues_the_log BEFORE INSERT ON eventstore_event
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM eventstore_event)
  OR NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM eventstore_event WHERE stream_id = NEW.stream_id)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: INSERT of an event that is not the next is refused'); END;
