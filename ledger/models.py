"""The permissions of the ledger, one for each command and one for reading, and the names that users have taken."""

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


class FoldedName(models.Model):
    """A name as it is spelt, and folded. See Note [A name is taken in every case]."""

    username = models.CharField(max_length=150, primary_key=True)
    folded = models.TextField()

    def __str__(self) -> str:
        return f"{self.username} is folded to {self.folded}"


class UserName(models.Model):
    """The folded name that a user has taken; only the triggers of `auth_user` write it."""

    user = models.OneToOneField("auth.User", models.DO_NOTHING, primary_key=True, related_name="folded_name")
    folded = models.TextField(unique=True)

    def __str__(self) -> str:
        return self.folded
