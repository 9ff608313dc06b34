"""A group of projectors as a consumer: every event handled by each member in turn, in one transaction."""

from collections.abc import Iterator, Sequence

from django.db import transaction

from eventstore.consumers import checkpoints
from eventstore.consumers.registry import Group, consumers
from eventstore.consumers.runner import Consumer, Step, Stopwatch, describe, raise_outage
from eventstore.records import RecordedEvent

SKIPS_SINCE = "skips_since"
"""In `progress`: the operators' action up to which no skip counts any more, for a rebuild has tried them again."""


class Projection(Consumer):
    """Keeps a group's read models; naming any member is naming the group."""

    def __init__(self, group: Group, batch_size: int) -> None:
        using = consumers.database_of(group.names[0])
        super().__init__(self.row_names(group), using, batch_size, start=batch_size)
        self.group = group
        self._handled = [frozenset(member.types) for member in group.members]
        self._dependent_types = frozenset(
            name for member in group.members if member.depends_on for name in member.types
        )
        self._singly_until = 0
        self._working = group.names[0]

    @staticmethod
    def row_names(group: Group) -> tuple[str, ...]:
        """The names of the rows that move together."""
        return group.names

    def register(self) -> None:
        """Make the group's rows where they do not exist; raises BehindItsGroup."""
        checkpoints.register_group(self.group, self.using)

    def work(self, events: Sequence[RecordedEvent]) -> Step:
        """Project one batch; one that raises is worked again event by event, so that what stands before is kept."""
        singly = self.place.position < self._singly_until or any(row.error_position is not None for row in self.rows)
        batch = events[: 1 if singly else self.pace.limit]
        watch = Stopwatch()
        try:
            with transaction.atomic(using=self.using):
                generation = self.lock()[0].generation
                watch.restart()
                self.project(batch, generation)
                place = self.moved(batch)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is kept in its row
            raise_outage(error)
            if len(batch) > 1:
                self._singly_until = batch[-1].position
                return Step.PROGRESSED
            return self.stop(self._working, batch[0].position, describe(error))
        self.arrived(place)
        self.pace.took(watch.seconds, len(batch))
        return Step.PROGRESSED

    def load_skips(self) -> dict[str, frozenset[int]]:
        """What each member is to pass over, by the names of the rows."""
        since = (self.rows[0].progress or {}).get(SKIPS_SINCE, 0)
        skips = checkpoints.skipped(self.group.names, self.place.position, self.using, since=since)
        return dict(zip(self.names, (skips[name] for name in self.group.names), strict=True))

    def lasting(self) -> object | None:
        """Which skips count, for as long as the generation lasts."""
        progress: object = self.rows[0].progress
        return progress

    def project(self, events: Sequence[RecordedEvent], generation: int) -> None:
        """Let every member handle its events, a dependent finding the others exactly as they were at each."""
        for part in self._parts(events):
            for member, name, types in zip(self.group.members, self.names, self._handled, strict=True):
                self._working = name
                own = [event for event in part if event.type in types and event.position not in self.skips[name]]
                if own:
                    member.project(own, generation, self.using)

    def _parts(self, events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
        """Cut a batch behind each event that a dependent handles."""
        start = 0
        for index, event in enumerate(events, start=1):
            if event.type in self._dependent_types:
                yield events[start:index]
                start = index
        if start < len(events):
            yield events[start:]
