"""The lines of an exported log: JSON in canonical form, each with a check of everything up to and including it.

# Note [The lines of an export]
The first line is the header; then come the events in order of position, the idempotency keys, the checkpoints of
process managers, the actions of operators, and the footer. The last member of every line, `check`, is the beginning of
the SHA-256 of all lines so far, without their checks. So the first line whose check is wrong is where the file was
changed. The footer has the whole SHA-256 and counts the lines.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final, TypeAlias

from eventstore.errors import FaultyExport
from eventstore.payloads.canonical import canonical_json
from eventstore.payloads.codec import Codec

FORMAT: Final = "daybook-log"
FORMAT_VERSION: Final = 1
EVENT: Final = "event"
_CHECK_DIGITS: Final = 16
_BEFORE_CHECK: Final = b',"check":"'
_AFTER_CHECK: Final = b'"}\n'
_SUFFIX: Final = len(_BEFORE_CHECK) + _CHECK_DIGITS + len(_AFTER_CHECK)
_LONGEST_LINE: Final = 2**29


@dataclass(frozen=True, slots=True)
class Header:
    """Says what the file is, and the position of the newest event in it."""

    format: str
    format_version: int
    head: int
    kind: str = "header"


@dataclass(frozen=True, slots=True)
class KeyLine:
    """An idempotency key."""

    scope: str
    key: str
    fingerprint: str
    first_position: int
    last_position: int
    recorded_at: datetime
    kind: str = "idempotency_key"


@dataclass(frozen=True, slots=True)
class ProcessManagerLine:
    """The checkpoint of a process manager; `progress` is JSON text."""

    name: str
    position: int
    progress: str | None
    paused: bool
    registered_at: datetime
    registered_position: int
    kind: str = "process_manager"


@dataclass(frozen=True, slots=True)
class ActionLine:
    """What an operator did to a consumer."""

    consumer: str
    action: str
    position: int | None
    actor: str
    reason: str
    at: datetime
    kind: str = "operator_action"


@dataclass(frozen=True, slots=True)
class Footer:
    """How many lines of each kind there are, and the SHA-256 of all lines before."""

    sha256: str
    events: int
    idempotency_keys: int
    process_managers: int
    operator_actions: int
    kind: str = "footer"


Line: TypeAlias = Header | KeyLine | ProcessManagerLine | ActionLine | Footer
SECTIONS: Final[tuple[tuple[str, type | None], ...]] = (
    ("header", Header),
    (EVENT, None),
    ("idempotency_key", KeyLine),
    ("process_manager", ProcessManagerLine),
    ("operator_action", ActionLine),
    ("footer", Footer),
)
"""The kinds of lines, in the order in which they come. The line of an event is the event, and has no `kind`."""
_CODECS: Final = {kind: Codec(cls) for kind, cls in SECTIONS if cls is not None}


def text_of(line: Line) -> str:
    """Return a line that is no event, in canonical form."""
    return canonical_json(_CODECS[line.kind].encode(line))


class RunningHash:
    """The SHA-256 of the lines so far. See Note [The lines of an export]."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.lines = 0

    def add(self, line: bytes) -> str:
        """Add a line without its check and return its check."""
        self._hash.update(line + b"\n")
        self.lines += 1
        return self._hash.hexdigest()[:_CHECK_DIGITS]

    @property
    def digest(self) -> str:
        """The whole hash, in hexadecimal digits."""
        return self._hash.hexdigest()


class LineWriter:
    """Writes lines and their checks."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash = file, RunningHash()

    def write(self, line: str) -> None:
        """Write an object in canonical form."""
        text = line.encode()
        check = self.hash.add(text)
        self._file.write(text[:-1] + _BEFORE_CHECK + check.encode() + _AFTER_CHECK)

    def write_all(self, lines: Iterable[Line]) -> int:
        """Write lines that are no events and return their number."""
        before = self.hash.lines
        for line in lines:
            self.write(text_of(line))
        return self.hash.lines - before


class LineReader:
    """Reads lines and compares their checks; `number` is that of the last line, counted from 1."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash = file, RunningHash()
        self.number = 0
        self.digest_before = self.hash.digest

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each line without its check, as text and as the object that it is; raises FaultyExport."""
        while True:
            self.number += 1
            try:
                line = self._file.readline(_LONGEST_LINE)
            except (OSError, EOFError, zlib.error) as error:
                raise self.fault(f"the file is not whole: {error}") from error
            if not line:
                return
            yield self._opened(line)

    def _opened(self, line: bytes) -> tuple[str, dict[str, Any]]:
        body, end = line[:-_SUFFIX] + b"}", line[-_SUFFIX:]
        if not (end.startswith(_BEFORE_CHECK) and end.endswith(_AFTER_CHECK)):
            raise self.fault("the line is not whole, or the file is not an exported log")
        self.digest_before = self.hash.digest
        if self.hash.add(body).encode() != end[len(_BEFORE_CHECK) : -len(_AFTER_CHECK)]:
            raise self.fault("its check is wrong: it was changed, or a line before it was removed, added or moved")
        try:
            text = body.decode()
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.fault(f"it is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise self.fault("it is not a JSON object")
        return text, value

    def read(self, kind: str, text: str) -> Any:
        """Return a line that is no event; raises FaultyExport."""
        try:
            return _CODECS[kind].decode(text)
        except ValueError as error:
            raise self.fault(f"it is not a line of kind {kind}: {error}") from error

    def fault(self, message: str) -> FaultyExport:
        """Return the error of the current line."""
        return FaultyExport(self.number, message)
