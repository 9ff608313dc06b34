"""The roles of a PostgreSQL database: what the application and a reader may do there."""

from pathlib import Path
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

ROLES: Final = ("daybook_app", "daybook_reader")
_RIGHTS: Final = (Path(__file__).parent / "database_roles.sql").read_text(encoding="utf-8")
_CREATE: Final = """
DO $create$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another session was quicker
END $create$
"""


def has_roles(using: str) -> bool:
    """Return whether the database knows roles at all."""
    return connections[using].vendor == "postgresql"


def create_roles(using: str) -> None:
    """Create the roles that are missing, and give each its rights."""
    with connections[using].cursor() as cursor:
        for role in ROLES:
            cursor.execute(_CREATE.format(role=role), None)
    grant_rights(using)


def grant_rights(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Give the roles that exist their rights to what this connection's role owns; called after each `migrate`."""
    if has_roles(using):
        with connections[using].cursor() as cursor:
            # The text has percent signs of its own, so it must not be taken for a template.
            cursor.execute(_RIGHTS, None)
