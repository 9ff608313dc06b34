"""Snapshots of states, kept in the database, from which a long stream is folded after a restart.

# Note [Snapshots are only a cache]
A snapshot is the state of a stream after one of its events, about every thousand. All of them may be deleted at any
time. A snapshot is used only if it was made by the code that runs now (its fingerprint), is unchanged (its checksum),
and if the log still has the event that it ends with. Any other is ignored, logged if it is wrong, and replaced.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Generic

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import QuerySet
from pydantic import TypeAdapter

from eventstore.folding import Loaded, State
from eventstore.libpq import arrays
from eventstore.libpq.prepared import Prepared, fetch
from eventstore.log.reads import SQL
from eventstore.models import Snapshot

SNAPSHOT_EVERY: Final = 1000
_NEWEST: Final = Prepared(b"eventstore_snapshots", SQL["snapshots"], (arrays.TEXT, arrays.BIGINT, arrays.TEXT))
_READ: Final = ("version", "position", "recorded_at", "state", "checksum")
_MEMBERS: Final = ("position", "recorded_at", "fingerprint", "state", "checksum")
_logger = logging.getLogger(__name__)


def fingerprint_of(*packages: ModuleType) -> str:
    """Return a digest of the sources of packages; "" if they are not there, and then nothing is kept."""
    digest, found = hashlib.sha256(), False
    for package in packages:
        for folder in package.__path__:
            for path in sorted(Path(folder).rglob("*.py")):
                found = True
                digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest() if found else ""


class Snapshots(Generic[State]):
    """The snapshots of the streams of one category, made by one version of the code."""

    def __init__(self, state_type: type[State], fingerprint: str, using: str) -> None:
        self._adapter: TypeAdapter[State] = TypeAdapter(state_type)
        self._fingerprint, self._using = fingerprint, using

    def newest(self, stream_id: str, up_to: int) -> Loaded[State] | None:
        """Return the last usable snapshot at or below a position; its last event is not compared with the log yet."""
        rows = self._newest(stream_id, up_to)
        return next((loaded for row in rows if (loaded := self._loaded(row)) is not None), None)

    def _newest(self, stream_id: str, up_to: int) -> Iterable[Snapshot]:
        connection = connections[self._using]
        if connection.vendor != "postgresql":
            return self._rows().filter(stream_id=stream_id, position__lte=up_to).order_by("-version")[:3]
        return (
            Snapshot(**dict(zip(_READ, row, strict=True)), stream_id=stream_id, fingerprint=self._fingerprint)
            for row in fetch(connection, _NEWEST, [stream_id, up_to, self._fingerprint])
        )

    def sample(self, category: str, most: int) -> Iterator[tuple[str, Loaded[State]]]:
        """Yield the newest snapshots of a category, at most so many, each with its stream."""
        for row in self._rows().filter(stream_id__startswith=f"{category}-").order_by("-position")[:most]:
            loaded = self._loaded(row)
            if loaded is not None:
                yield row.stream_id, loaded

    def keep(self, stream_id: str, states: Iterable[Loaded[State]]) -> None:
        """Keep snapshots, in place of those of other code. What cannot be kept is logged: only time is lost."""
        rows = [self._row(stream_id, loaded) for loaded in states]
        if not rows or not self._fingerprint:
            return
        # A replica takes no writes; the primary has the same events.
        kept = Snapshot.objects.using("default" if self._using == settings.LOG_REPLICA else self._using)
        try:
            kept.bulk_create(
                rows, update_conflicts=True, unique_fields=["stream_id", "version"], update_fields=_MEMBERS
            )
            kept.filter(stream_id=stream_id).exclude(fingerprint=self._fingerprint).delete()
        except DatabaseError as error:
            _logger.warning("snapshots of %s were not kept: %s", stream_id, error)

    def ignore(self, stream_id: str, loaded: Loaded[State], reason: str) -> None:
        """Log that a snapshot is wrong; a fold from the beginning replaces it."""
        _logger.warning("the snapshot of %s at version %s is ignored: %s", stream_id, loaded.version, reason)

    def _rows(self) -> QuerySet[Snapshot]:
        return Snapshot.objects.using(self._using).filter(fingerprint=self._fingerprint)

    def _loaded(self, row: Snapshot) -> Loaded[State] | None:
        loaded: Loaded[Any] = Loaded(None, row.version, row.position, row.recorded_at)
        if row.checksum != _checksum(row):
            self.ignore(row.stream_id, loaded, "its checksum is wrong")
            return None
        try:
            return loaded.with_state(self._adapter.validate_json(row.state))
        except ValueError as error:
            self.ignore(row.stream_id, loaded, f"its state cannot be read: {error}")
            return None

    def _row(self, stream_id: str, loaded: Loaded[State]) -> Snapshot:
        assert loaded.recorded_at is not None, "a snapshot ends with an event"  # noqa: S101 - for the type checker
        row = Snapshot(
            stream_id=stream_id,
            version=loaded.version,
            position=loaded.position,
            recorded_at=loaded.recorded_at,
            fingerprint=self._fingerprint,
            state=self._adapter.dump_json(loaded.state).decode(),
        )
        row.checksum = _checksum(row)
        return row


def _checksum(row: Snapshot) -> str:
    parts = (row.stream_id, row.version, row.position, row.recorded_at.isoformat(), row.fingerprint, row.state)
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
