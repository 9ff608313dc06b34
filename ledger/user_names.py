"""Names of users and clients, which are unique without regard to case in every alphabet.

The index of the database compares what its LOWER knows: on SQLite and in PostgreSQL's locale C, the letters A to Z.
`check_name` compares the rest, before each save. Two saves at the same moment could still both pass, if their names
differ only in the case of other letters.
"""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

_MOST_SHOWN = 30


def folded(name: str) -> str:
    """Return a name without the difference between upper and lower case."""
    return User.normalize_username(name.casefold())


def of_the_name(users: QuerySet[User], name: str) -> QuerySet[User]:
    """Return the users of this name, in any case."""
    wanted = folded(name)
    # Few users have a name with other letters than A to Z, and the database's own comparison would miss some of them.
    others = users.filter(username__regex=r"[^\x01-\x7f]").values_list("pk", "username")
    return users.filter(Q(username__iexact=name) | Q(pk__in=[pk for pk, other in others if folded(other) == wanted]))


def check_name(sender: type[User], instance: User, **_signal: Any) -> None:
    """Refuse to save a user under the name of another; raises ValidationError."""
    users = sender._default_manager.exclude(pk=instance.pk)  # noqa: SLF001 - Django's own name
    if of_the_name(users, instance.username).exists():
        name = instance.username[:_MOST_SHOWN]
        raise ValidationError(f"The name {name!r} is taken, perhaps in another case. Choose another name.")
