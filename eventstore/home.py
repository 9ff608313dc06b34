"""The home of a log: the one database in which process managers, relays and the daily cycle act.

# Note [A copy does not act]
A backup, a dump or an export that is restored elsewhere holds the log and the checkpoints of the original. Its process
managers would answer there what they answer at home, in earnest, and its relays would hand on what was handed on. So
the log keeps the identity of its home, and whatever acts by itself first compares it with the identity of the database
at hand. A log without a home takes the database in which something first acts. Projectors, queries and commands of
people work on a copy as well.
"""

from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connections, transaction

from eventstore.clock import utc_now
from eventstore.errors import LedgerIsACopy, OperationRefused
from eventstore.models import Home

_MACHINE_ID: Final = Path("/etc/machine-id")
_POSTGRESQL: Final = (
    "SELECT c.system_identifier, d.oid FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()"
)


def ensure(using: str = "default") -> None:
    """Return if the log is at home here, and let a log without a home be at home here; raises LedgerIsACopy."""
    here, home = identity(using), _newest(using)
    if home is None:
        _record(here, "daybook", "something acted here first", using)
    elif home.place != here:
        raise LedgerIsACopy(home.place, here)


def adopt(*, actor: str, reason: str, using: str = "default") -> str:
    """Make the database at hand the home of its log and return where that was before; raises OperationRefused."""
    if not reason.strip():
        raise OperationRefused("an adoption needs a reason: it is recorded for those who ask later")
    with transaction.atomic(using=using):
        here, home = identity(using), _newest(using)
        if home is not None and home.place == here:
            raise OperationRefused(f"the ledger is at home here since {home.since:%Y-%m-%d %H:%M}: nothing to adopt")
        _record(here, actor, reason.strip(), using)
    return "" if home is None else home.place


def leave(actor: str, reason: str, using: str = "default") -> None:
    """Let the log be at home nowhere, until it is adopted."""
    _record("", actor, reason, using)


def identity(using: str) -> str:
    """Return what differs between a database and its copies; the name and the address may be the same.

    On PostgreSQL it is the server's system identifier and the database's object id: both are the same on a standby, and
    another after pg_restore. On SQLite it is the machine and the file's inode. LEDGER_HOME precedes both.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL)
            system, database = cursor.fetchone()
            place = f"postgresql {system}/{database}"
        else:
            cursor.execute("PRAGMA database_list")
            file = Path(cursor.fetchone()[2])
            place = f"sqlite {_machine()}/{file.stat().st_ino}"
    return f"{settings.LEDGER_HOME} {place}".strip()


@cache
def _machine() -> str:
    """Return the id of the machine, or "" in a container that has none."""
    return _MACHINE_ID.read_text().strip() if _MACHINE_ID.is_file() else ""


def _newest(using: str) -> Home | None:
    return Home.objects.using(using).order_by("-id").first()


def _record(place: str, actor: str, reason: str, using: str) -> None:
    Home.objects.using(using).create(place=place, since=utc_now(), actor=actor, reason=reason)
