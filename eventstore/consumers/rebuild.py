"""Making a group's read models anew beside the old ones, which go on answering until the switch.

# Note [A rebuild is a consumer]
It has rows of its own, `<projector>@rebuild`, with a position and the generation that it writes, and takes the same
steps as any consumer: so it may be killed and go on, or be run twice at once. The switch moves the live rows to its
generation and position and deletes its own rows, in one transaction. What lies below the live generation is garbage.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model

from eventstore import store
from eventstore.consumers import checkpoints, operator_actions
from eventstore.consumers.checkpoints import REBUILD_SUFFIX, Place
from eventstore.consumers.loop import forget_statements
from eventstore.consumers.projector_runner import SKIPS_SINCE, Projection
from eventstore.consumers.registry import Group, consumers
from eventstore.consumers.runner import Moved, Step, raise_outage
from eventstore.errors import OperationRefused
from eventstore.models import Checkpoint, OperatorAction
from eventstore.records import RecordedEvent
from eventstore.runtime.outages import Reconnecting
from eventstore.runtime.shutdown import Stop

_DELETED_AT_ONCE = 2000
_RETRIES = "retry_skipped"

Seen = Callable[[int, int], None]


class Switched(Exception):
    """The rebuild is over: this process or another has switched to what it made."""


def group_to_rebuild(name: str) -> Group:
    """Return the group of a projector; raises UnknownConsumer, and OperationRefused for a process manager."""
    if name in consumers.managers:
        raise OperationRefused(f"{name} is a process manager: what it did, it did once, and it cannot be rebuilt")
    return consumers.group_of(name)


class Rebuild(Projection):
    """The rebuild of one group, begun, gone on with, or joined."""

    _read_to_head = False
    _projected = False

    @staticmethod
    def row_names(group: Group) -> tuple[str, ...]:
        """The rows of the rebuild; the group's own belong to whoever keeps it up to date meanwhile."""
        return tuple(name + REBUILD_SUFFIX for name in group.names)

    def begin_as(self, name: str, *, actor: str, retry_skipped: bool = False) -> bool:
        """Make the rebuild's rows, and keep who asked; False where there are some to go on with."""
        while True:
            try:
                with transaction.atomic(using=self.using):
                    return self._begin(name, actor, retry_skipped=retry_skipped)
            except IntegrityError:
                continue  # another process has begun the same at the same moment: join it

    def _begin(self, name: str, actor: str, *, retry_skipped: bool) -> bool:
        live, own = self._lock_both()
        if self._can_go_on(own, retry_skipped=retry_skipped):
            return False
        Checkpoint.objects.using(self.using).filter(name__in=[row.name for row in own]).delete()
        generation = max([1, *(row.generation for row in live + own)]) + 1
        kind, skips = Checkpoint.Kind.REBUILD, {_RETRIES: retry_skipped, SKIPS_SINCE: self._since(live, retry_skipped)}
        Checkpoint.objects.using(self.using).bulk_create(
            checkpoints.new_row(own_name, kind, checkpoints.START, generation=generation, progress=skips)
            for own_name in self.names
        )
        reason = "with what was skipped" if retry_skipped else ""
        operator_actions.record(OperatorAction.Action.REBUILD, name, self.using, actor=actor, reason=reason)
        return True

    def _can_go_on(self, own: Sequence[Checkpoint], *, retry_skipped: bool) -> bool:
        """Whether there is a whole rebuild under way, of this log, which does what is asked for."""
        if len(own) < len(self.names) or len({(row.position, row.generation) for row in own}) > 1:
            return False
        return checkpoints.is_of_this_log(own[0]) and (not retry_skipped or bool((own[0].progress or {}).get(_RETRIES)))

    def _since(self, live: Sequence[Checkpoint], retry_skipped: bool) -> int:  # noqa: FBT001 - one of two
        """The last action whose skip does not count: now, where skips are tried again or were of another log."""
        if retry_skipped or not all(checkpoints.is_of_this_log(row) for row in live):
            last = OperatorAction.objects.using(self.using).order_by("-id").values_list("id", flat=True).first()
            return last or 0
        return max([0, *(int((row.progress or {}).get(SKIPS_SINCE, 0)) for row in live)])

    def load(self) -> None:
        """Read the rows; raises Switched where there are none any more."""
        self.rows = checkpoints.load(self.names, self.using)
        if len(self.rows) < len(self.names):
            raise Switched

    def lock(self) -> list[Checkpoint]:
        """Lock the rows; what operators have let the live ones skip by now is passed over here as well."""
        rows = super().lock()
        self.skips = self.load_skips()
        return rows

    def read(self) -> list[RecordedEvent]:
        """Read on, noticing the head."""
        events = super().read()
        self._read_to_head = len(events) < self.batch_size
        return events

    @property
    def is_near(self) -> bool:
        """Whether the last read came to the head and is dealt with, even if something is appended all the time."""
        return self._read_to_head and not self._events

    def switch(self) -> bool:
        """Let the new generation answer, at or beyond where the old one is; False where that is too far away yet."""
        if not self.rows:
            self.load()
        try:
            with transaction.atomic(using=self.using):
                live, own = self._lock_both()
                self.compare(own)
                place = self._catch_up(max([0, *(row.position for row in live if checkpoints.is_of_this_log(row))]))
                if place is not None:
                    self._point(live, own, place)
        except Moved:
            place = None
        except Exception as error:
            raise_outage(error)
            if not self._projected:
                raise
            place = None  # the next step works the same events one by one, and its row will name the one that raised
        self.forget()
        return place is not None

    def _lock_both(self) -> tuple[list[Checkpoint], list[Checkpoint]]:
        """Lock the live rows and the rebuild's. See Note [Rows are locked by name]."""
        rows = checkpoints.load([*self.group.names, *self.names], self.using, lock=True)
        return [row for row in rows if row.name not in self.names], [row for row in rows if row.name in self.names]

    def _catch_up(self, target: int) -> Place | None:
        """Project what is missing up to a position, within the switch; None where that is more than one batch."""
        self._projected = False
        if self.place.position >= target:
            return self.place
        events = self.read()
        if not events or events[-1].position < target:
            return None
        self._projected = True
        self.skips = self.load_skips()
        self.project(events, self.rows[0].generation)
        return Place(events[-1].position, events[-1].recorded_at)

    def _point(self, live: Iterable[Checkpoint], own: Iterable[Checkpoint], place: Place) -> None:
        generation = self.rows[0].generation
        known = [row.name for row in live]
        since = (self.rows[0].progress or {}).get(SKIPS_SINCE, 0)
        progress = {SKIPS_SINCE: since} if since else None
        checkpoints.move(known, place, self.using, progress=progress, rate=self.meter.rate)
        rows = Checkpoint.objects.using(self.using)
        rows.filter(name__in=known).update(generation=generation)
        rows.filter(name__in=[row.name for row in own]).delete()
        new = [
            checkpoints.new_row(name, Checkpoint.Kind.PROJECTOR, place, generation=generation, progress=progress)
            for name in self.group.names
            if name not in known
        ]
        for row in new:
            row.registered_position = 0
        rows.bulk_create(new)


def run(rebuild: Rebuild, stop: Stop, seen: Seen, report: Callable[[str], None]) -> bool:
    """Go on until switched over, or asked to end: False. Raises ConsumerStopped where a handler does."""
    reconnecting = Reconnecting(stop, report)
    while not stop.asked:
        if reconnecting.until_done(lambda: _advance(rebuild, seen)):
            return True
    return False


def _advance(rebuild: Rebuild, seen: Seen) -> bool:
    """Take a step; whether the rebuild is over."""
    try:
        step = rebuild.step()
        forget_statements()
        if step is Step.STOPPED and rebuild.stopped is not None:
            raise rebuild.stopped
        if rebuild.rows:
            seen(rebuild.place.position, max(store.head().position, rebuild.place.position))
        return rebuild.is_near and rebuild.switch()
    except Switched:
        return True


def delete_garbage(group: Group, stop: Stop) -> None:
    """Delete the rows of generations that answer no more, a few at a time; what is left, the next rebuild deletes."""
    using = consumers.database_of(group.names[0])
    for member in group.members:
        row = Checkpoint.objects.using(using).filter(name=member.name).first()
        live_generation = row.generation if row else 0
        for table in member.tables:
            while not stop.asked and _delete_some(table, live_generation, using):
                pass


def _delete_some(table: type[Model], live_generation: int, using: str) -> int:
    rows: Any = table._default_manager.using(using)  # noqa: SLF001 - Django's public name for it
    oldest = rows.filter(generation__lt=live_generation).values("pk")[:_DELETED_AT_ONCE]
    deleted: int = rows.filter(pk__in=oldest).delete()[0]
    return deleted


def rebuild_of(name: str, batch_size: int | None = None) -> Rebuild:
    """The rebuild of a projector's group; raises UnknownConsumer and OperationRefused."""
    return Rebuild(group_to_rebuild(name), batch_size or settings.CONSUMER_BATCH_SIZE)
