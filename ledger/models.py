"""The permissions of the ledger: one for each command, and one for reading."""

from typing import ClassVar

from django.db import models

from ledger.names import COMMANDS, codename


class Ledger(models.Model):
    """Has no table; Django attaches permissions to a model."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions: ClassVar = [
            ("view_ledger", "May read everything in the ledger"),
            ("operate_consumers", "May pause and resume consumers, and let them skip an event"),
            *((codename(name), f"May {name.replace('-', ' ')}") for name in COMMANDS),
        ]

    def __str__(self) -> str:
        return "the ledger"
