"""The tables of the event store: the log, and the state of its consumers."""

from typing import ClassVar, Never

from django.db import models

from eventstore.category import CategoryOf
from eventstore.errors import AppendOnly


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of the log; every write is refused."""

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        message = "events are never changed: use eventstore.store.append, the only way to write to the log"
        raise AppendOnly(message)

    create = bulk_create = update = bulk_update = delete = get_or_create = update_or_create = _refuse
    acreate = abulk_create = aupdate = abulk_update = adelete = aget_or_create = aupdate_or_create = _refuse


class Event(models.Model):
    """One event; positions over all streams and versions within a stream start at 1 and have no gaps."""

    position = models.BigAutoField(primary_key=True)
    stream_id = models.CharField(max_length=100)
    version = models.BigIntegerField()
    type = models.CharField(max_length=100)
    schema_version = models.PositiveSmallIntegerField()
    payload = models.JSONField()
    actor = models.CharField(max_length=200)
    correlation_id = models.CharField(max_length=200)
    causation = models.BigIntegerField(null=True, blank=True, help_text="Position of the event that caused this one.")
    metadata = models.JSONField()
    recorded_at = models.DateTimeField()
    category = models.GeneratedField(
        expression=CategoryOf("stream_id"), output_field=models.CharField(max_length=100), db_persist=True
    )

    objects: ClassVar[models.Manager["Event"]] = EventQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream_id", "version"], name="event_stream_id_version_unique"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["category", "position"], name="event_category_position"),
            models.Index(fields=["type", "position"], name="event_type_position"),
            models.Index(fields=["correlation_id", "position"], name="event_correlation_position"),
            models.Index(fields=["actor", "position"], name="event_actor_position"),
            models.Index(
                fields=["causation", "position"],
                name="event_causation_position",
                condition=models.Q(causation__isnull=False),
            ),
        ]
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return f"{self.position} {self.type}"

    def save(self, *_args: object, **_kwargs: object) -> Never:
        """Refuse: only append writes to the log."""
        message = "events are never changed: use eventstore.store.append, the only way to write to the log"
        raise AppendOnly(message)

    def delete(self, *_args: object, **_kwargs: object) -> Never:
        """Refuse: nothing is ever deleted."""
        message = "events are never deleted"
        raise AppendOnly(message)

    async def asave(self, *_args: object, **_kwargs: object) -> Never:
        """Refuse: only append writes to the log."""
        self.save()

    async def adelete(self, *_args: object, **_kwargs: object) -> Never:
        """Refuse: nothing is ever deleted."""
        self.delete()

    save_base = save


class RecordedKey(models.Model):
    """An idempotency key and what was recorded under it, written by the append itself."""

    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    first_position = models.BigIntegerField()
    last_position = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "key"], name="recorded_key_scope_key_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.scope}/{self.key}"


class Snapshot(models.Model):
    """The state of a stream after one of its events. See Note [Snapshots are only a cache]."""

    stream_id = models.CharField(max_length=100)
    version = models.BigIntegerField()
    position = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, help_text="A digest of the code that folded it.")
    state = models.TextField(help_text="The state, as JSON.")
    checksum = models.CharField(max_length=64, help_text="A digest of all other columns.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream_id", "version"], name="snapshot_stream_id_version_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.version}"


class Checkpoint(models.Model):
    """The position and the state of a consumer: one row, which each of its transactions locks.

    A rebuild in progress has a row of its own, of kind `rebuild` and named `<projector>@rebuild`.
    """

    class Kind(models.TextChoices):
        """What a consumer is."""

        PROCESS_MANAGER = "process_manager"
        PROJECTOR = "projector"
        RELAY = "relay"
        REBUILD = "rebuild"

    name = models.CharField(max_length=100, primary_key=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    position = models.BigIntegerField(help_text="The position of the last event handled.")
    recorded_at = models.DateTimeField(null=True, help_text="When the event at that position was recorded.")
    progress = models.JSONField(null=True, help_text="Progress within the next event, if it is handled in chunks.")
    generation = models.IntegerField(default=1, help_text="The live generation of the read model.")
    paused = models.BooleanField(default=False)
    waiting_for = models.CharField(max_length=100, blank=True, default="")
    error_position = models.BigIntegerField(null=True)
    error_message = models.TextField(blank=True, default="")
    error_at = models.DateTimeField(null=True)
    error_count = models.IntegerField(default=0)
    rate = models.FloatField(null=True, help_text="Recent rate, in events per second.")
    went_back_from = models.BigIntegerField(
        null=True, help_text="The position that a running process remembered when it found the row at a lower one."
    )
    rebuild_request = models.BigIntegerField(
        null=True, help_text="The operator action that asks the running projector to rebuild its read model."
    )
    registered_at = models.DateTimeField()
    registered_position = models.BigIntegerField(
        help_text="The position at which the consumer began; it never changes."
    )
    last_seen = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "consumer"

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class Generation(models.Model):
    """One generation of a projector's rows: how far they go, and which tables have some. It lies beside the rows."""

    projector = models.CharField(max_length=100)
    number = models.IntegerField()
    position = models.BigIntegerField(
        null=True, help_text="The last position whose effects the rows hold; null until a release that keeps it."
    )
    filled = models.JSONField(default=list, help_text="The tables that have rows of the generation.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["projector", "number"], name="generation_projector_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.projector} {self.number} at {self.position}"


class OperatorAction(models.Model):
    """What an operator did to a consumer: who, when and why, recorded with the change itself."""

    class Action(models.TextChoices):
        """What an operator can do."""

        PAUSE = "pause"
        RESUME = "resume"
        SKIP = "skip"
        REBUILD = "rebuild"
        RETIRE = "retire"
        RECOVER = "recover"

    consumer = models.CharField(max_length=100)
    action = models.CharField(max_length=10, choices=Action.choices)
    position = models.BigIntegerField(
        null=True, help_text="The event skipped, or how far the consumer was that was recovered or retired."
    )
    actor = models.CharField(max_length=200)
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["consumer", "action", "position"], name="operator_action_consumer"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.consumer}"


class Home(models.Model):
    """Where the log is at home, since when and why; the newest row counts. See Note [A copy does not act]."""

    place = models.CharField(max_length=300, blank=True, help_text="The identity of the database; empty for an import.")
    since = models.DateTimeField()
    actor = models.CharField(max_length=200)
    reason = models.TextField()

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.place or 'nowhere'} since {self.since:%Y-%m-%d %H:%M}"


class LagSample(models.Model):
    """How far behind a consumer was, once a minute."""

    name = models.CharField(max_length=100)
    minute = models.DateTimeField()
    lag_events = models.BigIntegerField()
    lag_seconds = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "minute"], name="lag_sample_name_minute_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.minute:%H:%M}: {self.lag_events}"


CONSUMER_TABLES: tuple[type[models.Model], ...] = (Checkpoint, Generation, OperatorAction, LagSample)
"""Tables that exist in each database to which consumers write: that of the log and that of the read models."""
