"""Rebuilds a group's read models beside the old ones, which answer queries until the switch.

# Note [A rebuild is a consumer]
It has rows of its own, `<projector>@rebuild`, with a position and the generation that it writes, and takes steps like
any consumer. So it may be killed and continued, and two processes may run it at once. The switch gives the live rows
its generation and position and deletes its own rows, in one transaction. Generations below the live one are garbage.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Model

from eventstore import store
from eventstore.consumers import checkpoints, generations, operator_actions
from eventstore.consumers.catching_up.sets import SetBatches
from eventstore.consumers.checkpoints import REBUILD_SUFFIX, LogPosition, StaleCheckpoint
from eventstore.consumers.cursor import Cursor
from eventstore.consumers.projector_runner import Batches, share_pages
from eventstore.consumers.registry import Group, consumers
from eventstore.consumers.runner import Step, step_after
from eventstore.errors import ConsumerError, ConsumerStopped, NotCaughtUp, OperationRefused
from eventstore.models import Checkpoint, OperatorAction
from eventstore.runtime.connections import forget_statements
from eventstore.runtime.outages import Reconnecting, is_outage
from eventstore.runtime.shutdown import Stop

_DELETED_AT_ONCE = 2000
_RETRY_SKIPPED = "retry_skipped"

ShowProgress = Callable[[int, int], None]


class RebuildOver(Exception):
    """The rebuild's rows are gone: this process or another has made the switch."""


class RebuildRunner:
    """Runs the rebuild of one group. See Note [A rebuild is a consumer]."""

    def __init__(self, group: Group, batch_size: int) -> None:
        names = tuple(name + REBUILD_SUFFIX for name in group.names)
        using = consumers.database_of(group.names[0])
        self.group = group
        self.cursor = Cursor(names, using, batch_size, consumers=group.names)
        self.batches = Batches(group, self.cursor)
        self._sets = SetBatches(group, self.cursor, self.batches.guard, self.batches.check_rows)
        self._projected = False

    def begin(self, name: str, *, actor: str, retry_skipped: bool = False) -> bool:
        """Make the rebuild's rows and record who asked; False if a rebuild is in progress and is continued.

        Without an actor nothing is recorded, because the request for the rebuild was; raises RebuildOver if nobody asks
        for one any more.
        """
        while True:
            try:
                with transaction.atomic(using=self.cursor.using):
                    return self._begin(name, actor, retry_skipped=retry_skipped)
            except IntegrityError:
                continue  # another process has begun the same rebuild at the same moment: join it

    def _begin(self, name: str, actor: str, *, retry_skipped: bool) -> bool:
        using = self.cursor.using
        live, own = self._lock_both()
        if not actor and all(row.rebuild_request is None for row in live):
            raise RebuildOver
        if self._can_continue(own, retry_skipped=retry_skipped):
            return False
        rows = Checkpoint.objects.using(using)
        rows.filter(name__in=[row.name for row in own]).delete()
        generation = max(generations.unused(self.group, using), *[row.generation + 1 for row in live + own], 2)
        generations.begin(self.group.names, generation, using)
        progress = {_RETRY_SKIPPED: retry_skipped}
        if retry_skipped or not all(checkpoints.is_of_this_log(row) for row in live):
            progress |= checkpoints.progress_with(operator_actions.newest(using)) or {}
        else:
            progress |= checkpoints.progress_with(max([0, *map(checkpoints.skips_since, live)])) or {}
        rows.bulk_create(
            checkpoints.new_row(
                own_name, Checkpoint.Kind.REBUILD, checkpoints.START, generation=generation, progress=progress
            )
            for own_name in self.cursor.names
        )
        reason = "with what was skipped" if retry_skipped else ""
        if actor:
            operator_actions.record(OperatorAction.Action.REBUILD, name, using, actor=actor, reason=reason)
        return True

    def _can_continue(self, own: Sequence[Checkpoint], *, retry_skipped: bool) -> bool:
        """Whether a rebuild of this log is in progress with all its rows, and retries skips if that is wanted."""
        if len(own) < len(self.cursor.names) or len({(row.position, row.generation) for row in own}) > 1:
            return False
        retries = bool((own[0].progress or {}).get(_RETRY_SKIPPED))
        return checkpoints.is_of_this_log(own[0]) and (retries or not retry_skipped)

    def step(self) -> Step:
        """Project the next batch into the new generation; raises RebuildOver if the rows are gone."""
        cursor = self.cursor
        try:
            self._load()
            step = Step.PROGRESSED if self._sets.project_next() else self._project_events()
        except ConsumerError as error:
            step = step_after(error, cursor)
        except BaseException:
            cursor.forget()
            raise
        cursor.end_step(progressed=step is Step.PROGRESSED)
        return step

    def _project_events(self) -> Step:
        """Read the next events and project a batch of them."""
        events = self.cursor.next_events()
        self.batches.check_rows()
        self.cursor.load_skips()  # operators may have skipped an event of the live rows since the last step
        return self.batches.project_next(events) if events else Step.IDLE

    def _load(self) -> None:
        if not self.cursor.load():
            raise RebuildOver

    def switch(self) -> bool:
        """Make the new generation live once it has reached the live position; False if it is too far behind."""
        cursor, reached = self.cursor, None
        self._projected = False
        try:
            self._load()
            with transaction.atomic(using=cursor.using):
                live, own = self._lock_both()
                checkpoints.check_unchanged(own, cursor.rows)
                reached = self._catch_up(max([0, *(row.position for row in live if checkpoints.is_of_this_log(row))]))
                if reached is not None:
                    self._point_to_new_generation(live, own, reached)
        except StaleCheckpoint:
            reached = None
        except Exception as error:
            if not self._projected or is_outage(error):
                raise
            reached = None  # the next step projects the same events one by one, and its row names the bad one
        cursor.forget()
        return reached is not None

    def _lock_both(self) -> tuple[list[Checkpoint], list[Checkpoint]]:
        """Lock the live rows and the rebuild's rows. See Note [Rows are locked by name]."""
        own_names = self.cursor.names
        rows = checkpoints.load([*self.group.names, *own_names], self.cursor.using, lock=True)
        return [row for row in rows if row.name not in own_names], [row for row in rows if row.name in own_names]

    def _catch_up(self, target: int) -> LogPosition | None:
        """Project the missing events up to a position, within the switch; None if they are more than one batch."""
        cursor = self.cursor
        if cursor.at.position >= target:
            return cursor.at
        events = cursor.next_events()
        if not events or events[-1].position < target:
            return None
        self._projected = True
        cursor.load_skips()
        self.batches.project(events, cursor.rows[0].generation)
        self.batches.guard.move(cursor.rows[0].generation, cursor.at.position, events[-1].position)
        return LogPosition(events[-1].position, events[-1].recorded_at)

    def _point_to_new_generation(
        self, live: Sequence[Checkpoint], own: Sequence[Checkpoint], reached: LogPosition
    ) -> None:
        using, generation = self.cursor.using, self.cursor.rows[0].generation
        known = [row.name for row in live]
        progress = checkpoints.progress_with(checkpoints.skips_since(self.cursor.rows[0]))
        checkpoints.move(known, reached, using, progress=progress, rate=self.cursor.rate.value)
        rows = Checkpoint.objects.using(using)
        rows.filter(name__in=known).update(generation=generation, rebuild_request=None)
        rows.filter(name__in=[row.name for row in own]).delete()
        new = [
            checkpoints.new_row(name, Checkpoint.Kind.PROJECTOR, reached, generation=generation, progress=progress)
            for name in self.group.names
            if name not in known
        ]
        for row in new:
            row.registered_position = 0
        rows.bulk_create(new)


def run(rebuild: RebuildRunner, stop: Stop, show: ShowProgress, report: Callable[[str], None]) -> bool:
    """Step until the switch; False if `stop` asks to end first. Raises ConsumerStopped if a handler raises."""
    reconnecting = Reconnecting(stop, report)
    while not stop.asked:
        if reconnecting.until_done(lambda: _advance(rebuild, show)):
            return True
    return False


def run_all(rebuilds: Sequence[RebuildRunner], stop: Stop, show: ShowProgress, report: Callable[[str], None]) -> bool:
    """Step through several rebuilds in turns, which read each page of the log once; False if `stop` asks to end first.

    One that stops does not stop the others; raises NotCaughtUp at the end, with the reasons.
    """
    share_pages([rebuild.cursor for rebuild in rebuilds])
    reconnecting, reasons, left = Reconnecting(stop, report), [], list(rebuilds)
    done = dict.fromkeys(range(len(rebuilds)), 0)
    while left and not stop.asked:
        for rebuild in list(left):
            place = rebuilds.index(rebuild)

            def show_all(position: int, head: int, place: int = place) -> None:
                done[place] = position
                show(sum(done.values()), head * len(rebuilds))

            try:
                if reconnecting.until_done(lambda rebuild=rebuild, show=show_all: _advance(rebuild, show)):  # type: ignore[misc] # mypy infers no default of a lambda
                    left.remove(rebuild)
            except ConsumerStopped as stopped:
                reasons.append(str(stopped))
                left.remove(rebuild)
    if reasons:
        raise NotCaughtUp(reasons)
    return not left


def _advance(rebuild: RebuildRunner, show: ShowProgress) -> bool:
    """Take a step, and try to switch if it reached the head; return whether the rebuild is over."""
    cursor = rebuild.cursor
    try:
        step = rebuild.step()
        forget_statements()
        if step is Step.STOPPED and cursor.stopped is not None:
            raise cursor.stopped
        if cursor.rows:
            show(cursor.at.position, max(store.head().position, cursor.at.position))
        return cursor.has_handled_all and rebuild.switch()
    except RebuildOver:
        return True


def delete_garbage(group: Group, stop: Stop) -> None:
    """Delete the rows of generations below the live one, in small batches; the next rebuild deletes what is left."""
    while not stop.asked and delete_some_garbage(group):
        pass


def delete_some_garbage(group: Group) -> bool:
    """Delete a small batch of the rows of generations below the live one; False if there are none."""
    using = consumers.database_of(group.names[0])
    for member in group.members:
        row = Checkpoint.objects.using(using).filter(name=member.name).first()
        live_generation = row.generation if row else 0
        if any(_delete_some(table, live_generation, using) for table in member.tables):
            return True
        generations.forget([member.name], using, below=live_generation)
    return False


def _delete_some(table: type[Model], live_generation: int, using: str) -> int:
    rows: Any = table._default_manager.using(using)  # noqa: SLF001 - Django's public name for it
    oldest = rows.filter(generation__lt=live_generation).values("pk")[:_DELETED_AT_ONCE]
    deleted: int = rows.filter(pk__in=oldest).delete()[0]
    return deleted


def rebuild_runner(name: str, batch_size: int | None = None) -> RebuildRunner:
    """Return a runner for the rebuild of a projector's group; raises UnknownConsumer and OperationRefused."""
    if name in consumers.managers or name in consumers.relays:
        kind = consumers.kind(name).replace("_", " ")
        raise OperationRefused(f"{name} is a {kind}: what it did is final, so it cannot be rebuilt")
    return RebuildRunner(consumers.group_of(name), batch_size or settings.CONSUMER_BATCH_SIZE)
