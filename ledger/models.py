"""What somebody may be allowed to do with the ledger: one permission for each command, and one for reading."""

from typing import ClassVar

from django.db import models

from ledger.names import COMMANDS, codename


class Ledger(models.Model):
    """Has no table; Django wants a model to hang permissions on."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions: ClassVar = [
            ("view_ledger", "May read everything in the ledger"),
            *((codename(name), f"May {name.replace('-', ' ')}") for name in COMMANDS),
        ]

    def __str__(self) -> str:
        return "the ledger"
