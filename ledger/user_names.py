"""Names of users and clients, which are unique without regard to case in every alphabet.

# Note [A name is taken in every case]
Two names are the same if they are equal once they are folded. Databases fold letters differently, and some only A to
Z, so Python folds. Before each save, the name and its folded form are written to `ledger_foldedname`. Triggers of
`auth_user` take the folded form for the user, in the statement that saves it: `ledger_username` has one row for each
user, and each folded name once. So of two saves at the same moment the database refuses one. It also refuses a name
with other letters than ASCII whose folded form it does not know; the triggers fold ASCII themselves.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from ledger.models import FoldedName
from ledger.rules.texts import identity

_MOST_SHOWN = 30


def folded(name: str) -> str:
    """Return a name without the difference between upper and lower case, and without what cannot be seen."""
    return User.normalize_username(identity(User.normalize_username(name)).casefold())


def of_the_name(users: QuerySet[User], name: str) -> QuerySet[User]:
    """Return the users of this name, in any case."""
    return users.filter(folded_name__folded=folded(name))


def check_name(
    sender: type[User], instance: User, using: str, update_fields: Iterable[str] | None, **_signal: Any
) -> None:
    """Refuse to save a user under the name of another, and fold the name; raises ValidationError."""
    if update_fields is not None and "username" not in update_fields:
        return
    name = instance.username
    users = sender._default_manager.using(using).exclude(pk=instance.pk)  # noqa: SLF001 - Django's own name
    if of_the_name(users, name).exists():
        raise ValidationError(
            f"The name {name[:_MOST_SHOWN]!r} is taken, perhaps in another case. Choose another name."
        )
    if not name.isascii():
        _keep_folded(name, using)


def _keep_folded(name: str, using: str) -> None:
    FoldedName.objects.using(using).bulk_create(
        [FoldedName(username=name, folded=folded(name))],
        update_conflicts=True,
        unique_fields=["username"],
        update_fields=["folded"],
    )
