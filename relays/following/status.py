"""How the followers of this database stand; what they follow may be the log of this database or of another one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from eventstore import store
from eventstore.clock import database_now
from eventstore.runtime.row_locks import held
from relays.log_id import log_id
from relays.models import Follower

State = Literal["running", "waiting", "paused", "stopped"]
STATES: Final = ("running", "waiting", "paused", "stopped")
_SILENT: Final = timedelta(seconds=60)
"""A follower that was not seen for this long counts as stopped, unless it works within a transaction."""


@dataclass(frozen=True, slots=True)
class FollowerStatus:
    """What one follower is doing; `lag_events` is None if it follows the log of another database."""

    name: str
    state: State
    position: int
    lag_events: int | None
    why: str
    last_seen: datetime | None


def follower_statuses() -> list[FollowerStatus]:
    """Return every follower that has run in this database."""
    rows = list(Follower.objects.all())
    if not rows:
        return []
    now, head, own = database_now(), store.head().position, log_id()
    silent = {row.name for row in rows if row.last_seen is None or now - row.last_seen > _SILENT}
    silent -= held(Follower, silent)
    return [
        FollowerStatus(
            row.name,
            _state(row, is_silent=row.name in silent),
            row.position,
            max(head - row.position, 0) if row.store == own else None,
            row.error_message or row.waiting_for,
            row.last_seen,
        )
        for row in rows
    ]


def _state(row: Follower, *, is_silent: bool) -> State:
    if row.paused:
        return "paused"
    if row.error_sequence is not None or is_silent:
        return "stopped"
    return "waiting" if row.waiting_for else "running"
