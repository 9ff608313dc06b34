"""Reads back the session settings of PostgreSQL on which a guarantee rests: a pooler may have dropped them."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connections

_READ: Final = """
    SELECT name, setting FROM pg_settings WHERE name = ANY(%s)
    UNION ALL
    SELECT own.name, (extract(epoch FROM coalesce(
        nullif(current_setting('eventstore.' || own.name, true), ''), own.fallback)::interval) * 1000)::bigint::text
    FROM (VALUES ('append_lock_timeout', '10s'), ('append_lock_idle_timeout', '2s')) AS own (name, fallback)
    UNION ALL
    SELECT 'role', current_user
"""
_TIMES: Final = ("idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout")
"""In milliseconds; 0 stands for no limit."""
_OWN_TIMES: Final = ("append_lock_timeout", "append_lock_idle_timeout")
_TEXTS: Final = {
    "synchronous_commit": ("on", "an acknowledged event may be lost in a crash"),
    "default_transaction_isolation": ("read committed", "appends are refused"),
    "default_transaction_read_only": ("off", "appends are refused"),
    "DateStyle": ("ISO", "dates cannot be read"),
    "TimeZone": ("UTC", "SQL takes moments for those of another time zone"),
    "client_encoding": ("UTF8", "texts are stored in another encoding"),
    "client_min_messages": ("notice", "a cancelled wait for the synchronous standby is taken for success"),
}
"""The right value of each setting that is a text, and what is lost without it."""
_ALSO_RIGHT: Final = {
    "synchronous_commit": {"local", "remote_write", "remote_apply"},
    "TimeZone": {"Etc/UTC", "GMT", "Etc/GMT", "Universal", "Zulu"},
    "client_min_messages": {"debug5", "debug4", "debug3", "debug2", "debug1", "log", "warning"},
}


class _Wrong(NamedTuple):
    """A setting with a wrong value: its name, the right value, and what is lost."""

    name: str
    right: str
    lost: str


def broken_guarantees(using: str) -> list[str]:
    """Return what does not hold on a connection, each with the setting, its value and the remedy."""
    if connections[using].vendor != "postgresql":
        return []
    with connections[using].cursor() as cursor:
        cursor.execute(_READ, [[*_TIMES, *_TEXTS]])
        values: dict[str, str] = dict(cursor.fetchall())
    times = {name: int(values[name]) for name in (*_TIMES, *_OWN_TIMES)}
    return [
        f"{wrong.lost}: {wrong.name} is {values[wrong.name.removeprefix('eventstore.')]!r} on the database {using!r};"
        f" run ALTER ROLE {values['role']} SET {wrong.name} = '{wrong.right}'"
        for wrong in [*_wrong_times(times), *_wrong_texts(values)]
    ]


def _wrong_times(values: Mapping[str, int]) -> Iterator[_Wrong]:
    idle, wait = settings.IDLE_IN_TRANSACTION_TIMEOUT_MS, settings.APPEND_LOCK_TIMEOUT_MS
    if not 0 < values["idle_in_transaction_session_timeout"] <= idle:
        yield _Wrong("idle_in_transaction_session_timeout", f"{idle}ms", "a frozen process keeps its locks")
    if not 0 < values["append_lock_timeout"] <= wait:
        yield _Wrong("eventstore.append_lock_timeout", f"{wait}ms", "an append may wait too long for the append lock")
    hold = settings.APPEND_LOCK_IDLE_TIMEOUT_MS
    if not 0 < values["append_lock_idle_timeout"] <= hold:
        yield _Wrong("eventstore.append_lock_idle_timeout", f"{hold}ms", "a frozen process keeps the append lock")
    if 0 < values["statement_timeout"] < wait:
        yield _Wrong("statement_timeout", "0", "an append ends before it has waited for the append lock")
    if 0 < values["lock_timeout"] < idle:
        yield _Wrong("lock_timeout", "0", "a consumer gives up before a frozen copy has lost its locks")


def _wrong_texts(values: Mapping[str, str]) -> Iterator[_Wrong]:
    for name, (right, lost) in _TEXTS.items():
        value = values[name].partition(",")[0]  # DateStyle also says in which order days and months are read
        if value != right and value not in _ALSO_RIGHT.get(name, ()):
            yield _Wrong(name, right, lost)
