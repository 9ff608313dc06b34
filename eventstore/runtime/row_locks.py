"""Finds the rows that other transactions hold: a process shows no other sign of life during a long one."""

from collections.abc import Iterable
from contextlib import suppress

from django.db import DatabaseError, connections, transaction
from django.db.models import Model


def held(model: type[Model], keys: Iterable[str], using: str = "default") -> frozenset[str]:
    """Return the keys of the rows that other transactions have locked.

    It returns none on SQLite, which has no such locks, and in a database that can only be read.
    """
    wanted = frozenset(keys)
    if not wanted or connections[using].vendor != "postgresql":
        return frozenset()
    rows = model._default_manager.using(using).filter(pk__in=wanted)  # noqa: SLF001 - Django's public name for it
    name = connections[using].ops.quote_name
    key, table = name(str(model._meta.pk.column)), name(model._meta.db_table)  # noqa: SLF001
    with suppress(DatabaseError), transaction.atomic(using=using), connections[using].cursor() as cursor:
        # FOR SHARE, which Django lacks: two that look at once must not take each other for a process at work.
        cursor.execute(f"SELECT {key} FROM {table} WHERE {key} = ANY (%s) FOR SHARE SKIP LOCKED", [[*wanted]])  # noqa: S608 - names of the code
        free = {free for (free,) in cursor.fetchall()}
        return frozenset(rows.values_list("pk", flat=True)) - free
    return frozenset()
