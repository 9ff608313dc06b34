"""Small consumers that write rows without a unique key, so that work done twice shows."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import uuid4

from django.db import connections, models

from eventstore import store
from eventstore.consumers.definitions import Chunk, ProcessManager, Projector, Relay
from eventstore.consumers.registry import Consumers, consumers
from eventstore.models import Checkpoint
from eventstore.records import Context, NewEvent, RecordedEvent
from tests.contracts.events import ParcelRegistered, ParcelRelabelled
from tests.support.databases import connected_as
from tests.support.postgres.roles import APP, OWNER

TABLES = (
    "CREATE TABLE probe_row (id {serial}, generation integer, name text, position bigint, detail text)",
    "CREATE TABLE probe_fault (name text, position bigint)",
)


class Row(models.Model):
    """A row that a probe has written for one event."""

    generation = models.IntegerField()
    name = models.TextField()
    position = models.BigIntegerField()
    detail = models.TextField()

    objects: ClassVar[models.Manager["Row"]] = models.Manager()

    class Meta:
        app_label = "probes"
        db_table = "probe_row"
        managed = False

    def __str__(self) -> str:
        return f"{self.name} {self.position}"


class RowsOf(models.Manager[Row]):
    """The rows of one probe."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._name = name

    def get_queryset(self) -> models.QuerySet[Row]:
        """Return only that probe's rows."""
        return super().get_queryset().filter(name=self._name)


class CopyRow(Row):
    """What `copy` has written."""

    objects: ClassVar[models.Manager[Any]] = RowsOf("copy")

    class Meta:
        app_label = "probes"
        proxy = True


class TallyRow(Row):
    """What `tally` has written."""

    objects: ClassVar[models.Manager[Any]] = RowsOf("tally")

    class Meta:
        app_label = "probes"
        proxy = True


class BaseRow(Row):
    """What `base` has written."""

    objects: ClassVar[models.Manager[Any]] = RowsOf("base")

    class Meta:
        app_label = "probes"
        proxy = True


class DependentRow(Row):
    """What `dependent` has written."""

    objects: ClassVar[models.Manager[Any]] = RowsOf("dependent")

    class Meta:
        app_label = "probes"
        proxy = True


class HandlerBroke(Exception):
    """The error that a probe raises at a position given to `break_at`."""


class _Probe(Projector):
    types: ClassVar[tuple[str, ...]] = ("ParcelRegistered", "ParcelRelabelled")

    def project(self, events: Sequence[RecordedEvent], generation: int, using: str) -> None:
        """Write a row for each event by a statement of its own, so that kills can fall between them."""
        for event in events:
            raise_if_broken(self.name, event.position, using)
            if os.environ.get("PROBE_SLEEP_AT") == str(event.position):
                time.sleep(1.5)
            if os.environ.get("PROBE_FREEZE_AT") == str(event.position):
                os.kill(os.getpid(), signal.SIGSTOP)
            with connections[using].cursor() as cursor:
                cursor.execute(
                    "INSERT INTO probe_row (generation, name, position, detail) VALUES (%s, %s, %s, %s)",
                    [generation, self.name, event.position, self.detail(generation, using)],
                )

    def detail(self, generation: int, using: str) -> str:
        """Return what else the row keeps."""
        return ""


class Copy(_Probe):
    """An autonomous projector."""

    name = "copy"
    tables = (CopyRow,)


class Tally(_Probe):
    """Another autonomous projector."""

    name = "tally"
    tables = (TallyRow,)


class Base(_Probe):
    """The projector that `dependent` depends on."""

    name = "base"
    tables = (BaseRow,)


class Dependent(_Probe):
    """Writes down how many rows `base` has at each DayBegan."""

    name = "dependent"
    tables = (DependentRow,)
    types: ClassVar[tuple[str, ...]] = ("DayBegan",)
    depends_on: ClassVar[tuple[str, ...]] = ("base",)

    def detail(self, generation: int, using: str) -> str:
        """Return the number of `base` rows."""
        return str(Row.objects.using(using).filter(name="base", generation=generation).count())


class Answers(ProcessManager):
    """Answers `ParcelRegistered(name="5")` with five ParcelRelabelled, in chunks of at most two."""

    name = "answers"
    types: ClassVar[tuple[str, ...]] = ("ParcelRegistered",)

    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        """Answer with the next chunk."""
        raise_if_broken(self.name, event.position, "default")
        done = progress["done"] if progress else 0
        wanted = int(event.payload["name"])
        upto = min(done + min(limit, 2), wanted)
        events = [
            NewEvent(event.stream_id, ParcelRelabelled(f"{event.position}/{number}")) for number in range(done, upto)
        ]
        return Chunk(events, None if upto == wanted else {"done": upto})


class Attentive(ProcessManager):
    """Answers with the number of rows of `copy`, on which it depends."""

    name = "attentive"
    types: ClassVar[tuple[str, ...]] = ("ParcelRegistered",)
    depends_on: ClassVar[tuple[str, ...]] = ("copy",)

    def react(self, event: RecordedEvent, progress: Any | None, limit: int) -> Chunk:
        """Answer in one chunk."""
        seen = Row.objects.using("default").filter(name="copy", position__lte=event.position).count()
        return Chunk([NewEvent(event.stream_id, ParcelRelabelled(f"saw {seen}"))])


PROBES: tuple[ProcessManager | Projector | Relay, ...] = (Answers(), Attentive(), Base(), Copy(), Dependent(), Tally())


@contextmanager
def registered(*probes: ProcessManager | Projector | Relay) -> Iterator[Consumers]:
    """Make the probes the only consumers of this process."""
    managers, projectors, relays = dict(consumers.managers), dict(consumers.projectors), dict(consumers.relays)
    consumers.managers.clear()
    consumers.projectors.clear()
    consumers.relays.clear()
    for probe in probes or PROBES:
        consumers.register(probe)
    try:
        yield consumers
    finally:
        consumers.managers, consumers.projectors, consumers.relays = managers, projectors, relays


def make_tables(using: str = "default") -> None:
    """Create the tables of the probes' rows and of their faults, as the owner, and let the application use them."""
    serial = {
        "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "sqlite": "integer PRIMARY KEY",
    }[connections[using].vendor]
    with connected_as(OWNER, using), connections[using].cursor() as cursor:
        for table in TABLES:
            cursor.execute(table.format(serial=serial))
        if connections[using].vendor == "postgresql":
            cursor.execute(f"GRANT ALL ON probe_row, probe_fault TO {APP}")


def break_at(name: str, position: int) -> None:
    """Let a probe raise at a position until `mend`."""
    with connections["default"].cursor() as cursor:
        cursor.execute("INSERT INTO probe_fault VALUES (%s, %s)", [name, position])


def mend() -> None:
    """Let no probe raise."""
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM probe_fault")


def raise_if_broken(name: str, position: int, using: str) -> None:
    """Raise at a position given to `break_at`."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM probe_fault WHERE name = %s AND position = %s", [name, position])
        if cursor.fetchone():
            message = f"broken\nat {position}"
            raise HandlerBroke(message)


def trigger(answers: int = 1) -> NewEvent:
    """Return an event for all probes but `dependent`; the probe `answers` answers it with so many events."""
    return NewEvent(f"parcel-{uuid4()}", ParcelRegistered(str(answers)))


def triggers(number: int) -> int:
    """Append so many triggers and return the position of the last."""
    return store.append([trigger() for _ in range(number)], Context("tests", "a conversation")).position


def live(name: str) -> Checkpoint:
    """Return the checkpoint of a consumer, as it is now."""
    return Checkpoint.objects.get(name=name)


def written(name: str, generation: int = 1) -> list[int]:
    """Return the positions of a projector's rows in the order of writing."""
    rows = Row.objects.using("default").filter(name=name, generation=generation).order_by("id")
    return list(rows.values_list("position", flat=True))
