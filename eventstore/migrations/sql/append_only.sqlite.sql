-- Refuses every change of the log. SQLite has no TRUNCATE; a DELETE without WHERE fires row triggers as any other.
CREATE TRIGGER event_refuses_update BEFORE UPDATE ON eventstore_event
BEGIN SELECT RAISE(ABORT, 'the log is append-only: UPDATE of eventstore_event is refused'); END;

CREATE TRIGGER event_refuses_delete BEFORE DELETE ON eventstore_event
BEGIN SELECT RAISE(ABORT, 'the log is append-only: DELETE of eventstore_event is refused'); END;

-- INSERT OR REPLACE deletes without firing delete triggers, so an insert over an existing row is refused itself.
CREATE TRIGGER event_refuses_replace BEFORE INSERT ON eventstore_event
WHEN EXISTS (SELECT 1 FROM eventstore_event WHERE position = NEW.position)
  OR EXISTS (SELECT 1 FROM eventstore_event WHERE stream_id = NEW.stream_id AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: INSERT over an existing event is refused'); END;
