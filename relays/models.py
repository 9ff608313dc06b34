"""The tables of webhooks, the endpoints and what was sent to each, and of followers."""

from typing import ClassVar

from django.db import models


class Endpoint(models.Model):
    """An address to which events are sent, each after the one before; `position` is the last one that is done."""

    uuid = models.UUIDField(primary_key=True)
    url = models.CharField(max_length=2000)
    types = models.JSONField(default=list, help_text="The event types that are sent; empty for all.")
    description = models.CharField(max_length=200, blank=True, default="")
    secret = models.CharField(max_length=100)
    previous_secret = models.CharField(max_length=100, blank=True, default="")
    previous_until = models.DateTimeField(null=True, help_text="Until then the previous secret signs as well.")
    position = models.BigIntegerField(help_text="The position of the last event that was taken or skipped.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.TextField(blank=True, default="")
    attempts = models.IntegerField(default=0, help_text="Failed attempts at the event after the position.")
    failing_since = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, help_text="Until then a process is sending to it.")

    class Meta:
        ordering: ClassVar = ["created_at", "uuid"]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """What became of one event at one endpoint; the row of an event is made at its first attempt."""

    class State(models.TextChoices):
        """How a delivery stands."""

        DELIVERED = "delivered"
        FAILING = "failing"
        SKIPPED = "skipped"

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries")
    position = models.BigIntegerField()
    type = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices)
    attempts = models.IntegerField(default=0)
    last_attempt_at = models.DateTimeField()
    last_result = models.TextField(help_text="The status that was answered, or why there was no answer.")
    is_requested = models.BooleanField(default=False, help_text="An operator asks to send it again.")

    class Meta:
        ordering: ClassVar = ["-position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "position"], name="delivery_endpoint_position_unique"),
        ]
        indexes: ClassVar = [models.Index(fields=["last_attempt_at"], name="delivery_last_attempt")]

    def __str__(self) -> str:
        return f"{self.position} to {self.endpoint_id}"


class Follower(models.Model):
    """A consumer of the stream that runs in this database: how far it is, and why it stopped."""

    name = models.CharField(primary_key=True, max_length=100)
    store = models.CharField(max_length=64, blank=True, default="", help_text="The id of the log that it follows.")
    sequence = models.BigIntegerField(default=0, help_text="The last message of the stream that was handled.")
    position = models.BigIntegerField(default=0, help_text="The position of its event in the log.")
    paused = models.BooleanField(default=False)
    skip = models.BigIntegerField(null=True, help_text="The message that an operator lets it pass over.")
    waiting_for = models.CharField(max_length=200, blank=True, default="")
    last_seen = models.DateTimeField(null=True)
    error_sequence = models.BigIntegerField(null=True)
    error_message = models.TextField(blank=True, default="")
    error_at = models.DateTimeField(null=True)
    gap_to = models.BigIntegerField(null=True, help_text="The position after missing ones; passed after a resume.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
