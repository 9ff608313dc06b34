"""Reads the lines of an export into an empty log, in one transaction: all of it, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import IO, Any, Final

from django.db import DatabaseError, transaction

from eventstore import home, store
from eventstore.consumers.registry import databases
from eventstore.errors import CannotImport, EventStoreError
from eventstore.log.verification import latest_moment
from eventstore.moving import consumer_state, insertion
from eventstore.moving.admission import admit_key, admitted_event
from eventstore.moving.lines import EVENT, FORMAT, FORMAT_VERSION, SECTIONS, Footer, Header, KeyLine, LineReader
from eventstore.records import RecordedEvent
from eventstore.runtime.outages import is_outage

Seen = Callable[[int, int], None]

_BATCH: Final = 1000
_BATCH_BYTES: Final = 8_000_000
_KINDS: Final = tuple(kind for kind, _ in SECTIONS)


def import_log(file: IO[bytes], seen: Seen, using: str = "default") -> Footer:
    """Import an exported log and return its footer; raises FaultyExport, and CannotImport if the log is not empty.

    `seen` is called with the number of events imported and their total. The log is a copy until it is adopted.
    """
    with ExitStack() as transactions:
        # The log's transaction is committed last: without it the import has not been.
        for database in dict.fromkeys([using, *databases()]):
            transactions.enter_context(transaction.atomic(using=database))
        transactions.enter_context(store.append_lock(using))
        if store.head(using).position:
            raise CannotImport("the log is not empty: an export is imported only into a new database")
        insertion.prepare(using)
        footer = _Import(LineReader(file), seen, using).run()
        home.leave("import_log", f"imported {footer.events} events, SHA-256 {footer.sha256}", using)
        return footer


class _Import:
    """One import: what was read and is not inserted yet, and how far it is."""

    def __init__(self, lines: LineReader, seen: Seen, using: str) -> None:
        self._lines, self._seen, self._using = lines, seen, using
        self._latest: datetime = latest_moment()
        self._head = self._read = 0
        self._batch: list[RecordedEvent] = []
        self._bytes = 0
        self._counts = dict.fromkeys(_KINDS, 0)

    def run(self) -> Footer:
        """Read every line and return the last."""
        section, footer = -1, None
        for text, value in self._lines:
            kind = value.get("kind", EVENT)
            if footer is not None or kind not in _KINDS or _KINDS.index(kind) < max(section, 0):
                raise self._lines.fault(f"a line of kind {kind} is not allowed here")
            if (section < 0) != (kind == "header"):
                raise self._lines.fault("the first line, and only the first, is the header of an exported log")
            if kind != EVENT and self._batch:
                self._insert()
            section = _KINDS.index(kind)
            self._counts[kind] += 1
            footer = self._take(kind, text, value)
        if footer is None:
            raise self._lines.fault("the file ends before its footer: it is not whole")
        return footer

    def _take(self, kind: str, text: str, value: dict[str, Any]) -> Footer | None:
        if kind == EVENT:
            self._add(text, value)
            return None
        line = self._lines.read(kind, text)
        match line:
            case Header():
                self._begin(line)
            case Footer():
                self._check_footer(line)
                return line
            case KeyLine():
                with self._refusals():
                    admit_key(line, self._read, self._using)
            case _:
                with self._refusals():
                    consumer_state.restore(line, self._read, self._using)
        return None

    def _begin(self, header: Header) -> None:
        if header.format != FORMAT or not 1 <= header.format_version <= FORMAT_VERSION:
            raise self._lines.fault(
                f"the format is {header.format} {header.format_version}; this code reads {FORMAT} {FORMAT_VERSION}"
            )
        self._head = header.head
        consumer_state.clear(self._using)

    def _add(self, text: str, value: dict[str, Any]) -> None:
        with self._refusals():
            event = admitted_event(text, value, self._read + 1, self._latest)
        self._read += 1
        self._batch.append(event)
        self._bytes += len(text)
        if len(self._batch) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self._insert()

    def _insert(self) -> None:
        first = self._batch[0].position
        versions = insertion.versions_of([event.stream_id for event in self._batch], self._using)
        for event in self._batch:
            expected = versions.get(event.stream_id, 0) + 1
            if event.version != expected:
                # The header is line 1, and each event has one line.
                self._lines.number = event.position + 1
                raise self._lines.fault(f"{event.stream_id} has version {event.version} where {expected} is next")
            versions[event.stream_id] = expected
        with self._refusals(f"lines {first + 1} to {self._read + 1}: "):
            insertion.insert(self._batch, self._using)
        self._batch, self._bytes = [], 0
        self._seen(self._read, max(self._head, self._read))

    def _check_footer(self, footer: Footer) -> None:
        counted = tuple(self._counts[kind] for kind in _KINDS[1:-1])
        promised = (footer.events, footer.idempotency_keys, footer.process_managers, footer.operator_actions)
        if counted != promised or self._head != footer.events or footer.sha256 != self._lines.digest_before:
            raise self._lines.fault("the footer does not fit the lines before it")

    @contextmanager
    def _refusals(self, where: str = "") -> Iterator[None]:
        """Name the line of whatever is refused, also by the database."""
        try:
            yield
        except (EventStoreError, ValueError) as error:
            raise self._lines.fault(f"{where}{error}") from error
        except DatabaseError as error:
            if is_outage(error):
                raise
            raise self._lines.fault(f"{where}the database refuses it: {' '.join(str(error).split())}") from error
