"""Rows as a plain Django application would have them, without an event store."""

from typing import ClassVar, Self

from django.db import models


class Row(models.Model):
    """As many columns as a plain payment has."""

    uuid = models.UUIDField(unique=True)
    name = models.TextField()
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    actor = models.TextField()
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return str(self.uuid)


class Holder(models.Model):
    """A company with its balance."""

    uuid = models.UUIDField(primary_key=True)
    balance = models.DecimalField(max_digits=20, decimal_places=2)
    currency = models.CharField(max_length=3)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return str(self.uuid)


class FundingAccount(models.Model):
    """A funding account of a company."""

    uuid = models.UUIDField(primary_key=True)
    company = models.ForeignKey(Holder, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)
    balance = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return str(self.uuid)


class PlainGrant(models.Model):
    """A grant, and who made it; its lines say what moved."""

    uuid = models.UUIDField(primary_key=True)
    reference = models.TextField()
    total = models.DecimalField(max_digits=20, decimal_places=2)
    currency = models.CharField(max_length=3)
    actor = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return str(self.uuid)


class GrantLine(models.Model):
    """What a grant took from a company or gave to an account."""

    grant = models.ForeignKey(PlainGrant, on_delete=models.PROTECT)
    party = models.UUIDField(db_index=True)
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.party} {self.amount}"


class Key(models.Model):
    """An idempotency key, and the answer that a repeat gets."""

    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    answer = models.JSONField()
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """One answer for each key of a client."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key"], name="bare_key_once")]

    def __str__(self) -> str:
        return self.key
