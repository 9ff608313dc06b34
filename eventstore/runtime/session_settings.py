"""Reads back the session settings of PostgreSQL on which a guarantee rests: a pooler may have dropped them."""

from typing import Final

from django.conf import settings
from django.db import connections

_READ: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
_NAMES: Final = (
    "idle_in_transaction_session_timeout",
    "synchronous_commit",
    "default_transaction_isolation",
    "DateStyle",
)


def broken_guarantees(using: str) -> list[str]:
    """Return what does not hold on a connection, each with the setting, its value and the remedy."""
    if connections[using].vendor != "postgresql":
        return []
    with connections[using].cursor() as cursor:
        cursor.execute(_READ, [list(_NAMES)])
        values: dict[str, str] = dict(cursor.fetchall())
        cursor.execute("SELECT current_user")
        role = cursor.fetchone()[0]
    return [
        f"{guarantee}: {name} is {values[name]!r} on the database {using!r};"
        f" run ALTER ROLE {role} SET {name} = '{value}'"
        for name, value, guarantee in _required(values)
    ]


def _required(values: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return name, right value and lost guarantee of each setting that is wrong."""
    wrong = []
    limit = int(values["idle_in_transaction_session_timeout"])
    if not 0 < limit <= settings.IDLE_IN_TRANSACTION_TIMEOUT_MS:
        right = f"{settings.IDLE_IN_TRANSACTION_TIMEOUT_MS}ms"
        wrong.append(("idle_in_transaction_session_timeout", right, "a frozen process keeps its locks"))
    if values["synchronous_commit"] == "off":
        wrong.append(("synchronous_commit", "on", "an acknowledged event may be lost in a crash"))
    if values["default_transaction_isolation"] != "read committed":
        wrong.append(("default_transaction_isolation", "read committed", "appends are refused"))
    if not values["DateStyle"].startswith("ISO"):
        wrong.append(("DateStyle", "ISO", "dates cannot be read"))
    return wrong
