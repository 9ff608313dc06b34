"""What can go wrong with the log.

EventStoreError
├── WrongExpectedVersion     a stream is not at the version on which the decision is based: decide again
├── IdempotencyKeyReused     the key was used for something else: refuse
├── OutcomeUnknown           the append was sent, and its fate is not known: look before doing it again
├── NotDurable               events are visible but not yet durable: ask again in a moment
├── NotCrashProof            a proof has killed work that then went wrong: mend the handler
├── IsolationTooHigh         append inside REPEATABLE READ or above: use READ COMMITTED
├── InvalidStreamId          not `<category>-<uuid>` nor a bare category
├── InvalidCategory          not a category: lower-case letters and underscores, without a uuid
├── UnknownEventType         a class or a stored name that is not registered: register it
├── WrongCategory            an event type does not occur in streams of that category: append it to another stream
├── InvalidPayload           an event to be appended does not have the shape of its class: mend the caller
├── UnreadableEvent          a stored event does not have the shape of its class: mend the upcaster, or restore the log
├── BrokenUpcasterChain      an upcaster between two schema versions is missing: write it
├── AppendOnly               code tried to change the log through a model: events are never changed
├── LogDamaged               the log has a gap, an unreadable event or no protection: restore it
├── CannotExport             an export cannot be written: look at the event or at the file that it names
├── CannotImport             the database does not take an import: use a new one
├── FaultyExport             a line of an exported log is not as it was written: export again
└── ConsumerError
    ├── UnknownConsumer      no consumer of the code has that name
    ├── EventOfNewerCode     the code does not know the type or schema version of the next event: deploy newer code
    ├── MissedEvent          the next event is not at checkpoint + 1: the log has a hole
    ├── AnotherStore         the log no longer holds the last event that the consumer saw: it is another log
    ├── StoreWentBack        the checkpoint is lower than a running process remembers: acknowledged events are gone
    ├── RowsDoNotMatch       a read model's rows are not where its checkpoint says: rebuild it
    ├── LedgerIsACopy        the database is not the one in which the log is at home: adopt it, or leave it alone
    ├── ReceiverAway         the receiver of a relay takes no events now: the relay waits for it
    ├── CircularDependency   projectors depend on each other in a circle
    ├── BehindItsGroup       a projector is not at the position of its group: rebuild the group
    ├── ConsumerStopped      a handler raised, or the log has changed: mend the cause, or skip the event
    ├── NotCaughtUp          a consumer cannot catch up: it is paused, waiting or stopped
    └── OperationRefused     pause, resume, skip or rebuild does not fit the consumer's state
"""

from collections.abc import Iterable
from datetime import datetime


class EventStoreError(Exception):
    """The base of everything that the event store raises."""


class WrongExpectedVersion(EventStoreError):
    """The stream is at another version than expected; load it again and decide again."""

    def __init__(self, stream_id: str, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream_id} is at version {actual}, not at {expected}")
        self.stream_id, self.expected, self.actual = stream_id, expected, actual


class IdempotencyKeyReused(EventStoreError):
    """The idempotency key was used before, for something else; nothing was recorded."""

    def __init__(self, key: str) -> None:
        super().__init__(f"idempotency key {key!r} was used before with another command or body")
        self.key = key


class OutcomeUnknown(EventStoreError):
    """It is not known yet whether an append was recorded for good.

    The connection was lost after the append was sent, or the wait for the synchronous standby was cancelled. Repeat
    with the same idempotency key, or look at the streams before doing it again.
    """

    def __init__(self, append_id: str) -> None:
        super().__init__(f"it is unknown whether append {append_id} was recorded: look before doing it again")
        self.append_id = append_id


class NotDurable(EventStoreError):
    """Events that can be seen are not known to be durable yet; ask again in a moment."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}: look at the disk and the synchronous standby of the database, and ask again")


class NotCrashProof(EventStoreError):
    """Work that was killed after one of its statements, and then ran again, did not do what it does undisturbed."""

    def __init__(self, point: int, statement: str, fault: str) -> None:
        super().__init__(f"killed after its statement {point}, {statement!r}, and run again: {fault}")
        self.point, self.statement, self.fault = point, statement, fault


class IsolationTooHigh(EventStoreError):
    """Append needs READ COMMITTED: a transaction with one snapshot cannot see the newest position."""


class InvalidStreamId(EventStoreError):
    """A stream id is `<category>-<lower-case canonical uuid>` or a bare category."""

    def __init__(self, stream_id: str) -> None:
        super().__init__(f"{stream_id!r} is not a stream id: it must be <category>-<lower-case uuid> or <category>")
        self.stream_id = stream_id


class InvalidCategory(EventStoreError):
    """A category has lower-case letters and underscores only; a stream id, such as `<category>-<uuid>`, is none."""

    def __init__(self, category: str) -> None:
        super().__init__(
            f"{category!r} is not a category: it must begin with a lower-case letter and consist of lower-case letters"
            " and underscores"
        )
        self.category = category


class UnknownEventType(EventStoreError):
    """An event class, or a stored name, that is not registered."""

    def __init__(self, name: str, known: Iterable[str], position: int | None = None) -> None:
        where = "" if position is None else f" at position {position}"
        super().__init__(f"event type {name!r}{where} is not registered; registered are {', '.join(sorted(known))}")
        self.name, self.position = name, position


class WrongCategory(EventStoreError):
    """An event type was to be appended to a stream in which it does not occur; nothing was recorded."""

    def __init__(self, type_name: str, stream_id: str, categories: Iterable[str]) -> None:
        super().__init__(
            f"{type_name} was not appended to {stream_id}: it occurs in streams of {', '.join(categories)}"
        )
        self.type_name, self.stream_id = type_name, stream_id


class InvalidPayload(EventStoreError):
    """An event to be appended does not have the shape of its class; nothing was recorded."""

    def __init__(self, type_name: str, fault: str) -> None:
        super().__init__(f"{type_name} was not appended: {fault}")
        self.type_name, self.fault = type_name, fault


class UnreadableEvent(EventStoreError):
    """A stored event does not have the shape of its class, even after its upcasters."""

    def __init__(self, position: int, type_name: str, fault: str) -> None:
        super().__init__(f"{type_name} at position {position} is not readable: {fault}")
        self.position, self.type_name, self.fault = position, type_name, fault


class BrokenUpcasterChain(EventStoreError):
    """A schema version of an event type cannot be brought to the version that the code has."""

    def __init__(self, type_name: str, schema_version: int) -> None:
        super().__init__(f"{type_name}: no upcaster from schema version {schema_version} to {schema_version + 1}")
        self.type_name, self.schema_version = type_name, schema_version


class AppendOnly(EventStoreError):
    """The log is append-only: only eventstore.store.append writes to it."""


class LogDamaged(EventStoreError):
    """The first fault that the verification of the log found; restore a backup from before the fault."""


class CannotExport(EventStoreError):
    """An event, or the file, is such that the log cannot be exported; no file was made."""


class CannotImport(EventStoreError):
    """The database does not take an import: the log is not empty, or the role may not write to it."""


class FaultyExport(EventStoreError):
    """A line of an exported log is not as it was written, or cannot be a part of this log; nothing was imported."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line}: {fault}; nothing was imported")
        self.line, self.fault = line, fault


class ConsumerError(EventStoreError):
    """The base of every error that stops a consumer."""


class UnknownConsumer(ConsumerError):
    """No process manager, projector or relay of the code has that name."""

    def __init__(self, name: str, known: Iterable[str], kind: str = "consumer", reason: str = "") -> None:
        others = f"there are: {', '.join(sorted(known)) or 'none'}"
        super().__init__(f"there is no {kind} {name!r}{reason and f', because {reason}'}; {others}")
        self.name = name


class MissedEvent(ConsumerError):
    """The log has a hole before the next event; restore the log, never skip the hole."""

    def __init__(self, name: str, expected: int, found: int) -> None:
        super().__init__(f"{name} expected position {expected} and found {found}: the log has a hole")
        self.name, self.expected, self.found = name, expected, found


class EventOfNewerCode(ConsumerError):
    """This code does not know the type or the schema version of the next event; newer code continues by itself."""

    def __init__(self, position: int, type_name: str, schema_version: int, known_version: int | None) -> None:
        known = "does not know the type" if known_version is None else f"knows it up to schema version {known_version}"
        super().__init__(
            f"{type_name} of schema version {schema_version} at position {position} was recorded by newer code: this"
            f" code {known}; run the newer code"
        )
        self.position, self.type_name, self.schema_version = position, type_name, schema_version


class AnotherStore(ConsumerError):
    """The log no longer holds the last event that the consumer saw: it was restored, or is another log."""

    def __init__(self, name: str, position: int, remembered: datetime | None, found: datetime | None) -> None:
        now = "there is none" if found is None else f"there is one of {found.isoformat()}"
        then = "unknown" if remembered is None else remembered.isoformat()
        super().__init__(
            f"{name} has seen position {position} as recorded at {then}, and now {now}: another store;"
            " run manage.py recover, which shows what differs"
        )
        self.name, self.position, self.remembered, self.found = name, position, remembered, found


class StoreWentBack(ConsumerError):
    """A checkpoint is lower than this process has seen it: the database lost acknowledged transactions."""

    def __init__(self, name: str, remembered: int, found: int) -> None:
        super().__init__(
            f"{name} had handled position {remembered}, and its checkpoint is now at {found}: the store went back: it"
            " is another store, and acknowledged events may be gone; run manage.py recover, which shows what differs"
        )
        self.name, self.remembered, self.found = name, remembered, found


class RowsDoNotMatch(ConsumerError):
    """The rows of a read model are not at the position of its checkpoint."""

    def __init__(self, name: str, position: int, fault: str) -> None:
        super().__init__(f"{name} is at position {position}, but {fault}: run manage.py rebuild_projector {name}")
        self.name, self.position = name, position


class LedgerIsACopy(ConsumerError):
    """The log is at home in another database; nothing acts by itself on a copy."""

    def __init__(self, home: str, here: str) -> None:
        origin = f"its home is {home!r}, and this is {here!r}" if home else "it was imported"
        super().__init__(
            f"this ledger is a copy ({origin}), so nothing acts on it by itself; if it is to take the original's place,"
            " stop the original for good and run manage.py adopt_ledger --reason …"
        )
        self.home, self.here = home, here


class ReceiverAway(ConsumerError):
    """The receiver of a relay takes no events now; the relay waits and tries again."""

    def __init__(self, receiver: str, fault: str) -> None:
        super().__init__(f"{receiver}: {fault}")
        self.receiver, self.fault = receiver, fault


class CircularDependency(ConsumerError):
    """Projectors depend on each other in a circle."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"projectors depend on each other in a circle: {' → '.join(names)}")


class BehindItsGroup(ConsumerError):
    """A projector is not at the position of its group; a rebuild brings the group to one position."""

    def __init__(self, name: str, group: Iterable[str]) -> None:
        tied = ", ".join(other for other in group if other != name)
        super().__init__(f"{name} is not where {tied} is, to which it is tied: run manage.py rebuild_projector {name}")
        self.name = name


class ConsumerStopped(ConsumerError):
    """A consumer stopped at a position; its checkpoint row says why."""

    def __init__(self, name: str, position: int, message: str) -> None:
        super().__init__(f"{name} stopped at position {position}: {message}")
        self.name, self.position, self.message = name, position, message


class NotCaughtUp(ConsumerError):
    """Some consumers could not catch up; each reason names one and says why."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


class OperationRefused(ConsumerError):
    """An operator's request does not fit the consumer's state; nothing was changed."""
