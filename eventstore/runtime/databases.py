"""How Django connects to the database of a log: the options on which the guarantees of the log rest."""

from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connections

# A dead host is noticed within seconds, also while an answer is awaited: by default, TCP would ask only after two hours
# whether the other side still exists.
_LIMITS: Final = {
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_LIMITS_OF_A_REPLICA: Final = {"connect_timeout": 2, "tcp_user_timeout": 3000}
"""The primary answers instead, so nobody waits long for a replica that is away."""


def own_databases() -> list[str]:
    """Return the aliases of the databases with tables of their own; the replica of the log is none of them."""
    return [alias for alias in connections if alias != settings.LOG_REPLICA]


def is_read_only(using: str) -> bool:
    """Return whether a database takes no changes: a standby, a role that may only read, or a file that is only read."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        name = str(connection.settings_dict["NAME"])
        return name.startswith("file:") and "mode=ro" in name.partition("?")[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        return bool(cursor.fetchone()[0] == "on")


def for_a_log(
    config: dict[str, Any],
    *,
    append_lock_ms: int = 10_000,
    append_lock_idle_ms: int = 2000,
    idle_in_transaction_ms: int = 10_000,
    keeps_sessions: bool = True,
) -> dict[str, Any]:
    """Return a database of Django's `DATABASES`, SQLite or PostgreSQL, with the options that a log needs.

    Options that the configuration has already win. The times are those of the settings APPEND_LOCK_TIMEOUT_MS,
    APPEND_LOCK_IDLE_TIMEOUT_MS and IDLE_IN_TRANSACTION_TIMEOUT_MS. `keeps_sessions` is False behind a pooler that may
    give each transaction another connection.
    """
    options = config.get("OPTIONS", {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return config | {"OPTIONS": _sqlite_options(append_lock_ms) | options}
    asked = (
        f"-c idle_in_transaction_session_timeout={idle_in_transaction_ms}"
        " -c datestyle=ISO"  # psycopg reads no other form of a date
        f" -c eventstore.append_lock_timeout={append_lock_ms}ms"
        f" -c eventstore.append_lock_idle_timeout={append_lock_idle_ms}ms"
    )
    return config | {
        "OPTIONS": _LIMITS | options | {"options": f"{options.get('options', '')} {asked}".strip()},
        # A cursor of the server is lost when a pooler gives the next transaction another connection.
        "DISABLE_SERVER_SIDE_CURSORS": not keeps_sessions,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


def for_a_replica(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a replica of the log, made from that of a log."""
    return config | {"OPTIONS": config["OPTIONS"] | _LIMITS_OF_A_REPLICA}


def _sqlite_options(append_lock_ms: int) -> dict[str, Any]:
    return {
        "transaction_mode": "IMMEDIATE",
        # SQLite gives its one write lock to any of those who wait, so that one of them may wait for several turns.
        "timeout": 3 * append_lock_ms / 1000,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        " PRAGMA journal_size_limit=67108864;",
    }


def read_only_sqlite(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the configuration of an SQLite file that is only read, such as a backup.

    Without a log beside it, nothing writes to it, or can. SQLite reads a file in WAL mode only with the files beside
    it, which it would have to make, or as one that never changes.
    """
    unchanging = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    options = config["OPTIONS"] | {"transaction_mode": "DEFERRED", "init_command": "PRAGMA foreign_keys=ON;"}
    return config | {"NAME": f"{path.as_uri()}?mode=ro{unchanging}", "OPTIONS": options}
