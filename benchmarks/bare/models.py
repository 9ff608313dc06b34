"""A row as a bare view would write it."""

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
