"""The roles of a test's PostgreSQL server: the tests connect as the application, and an owner migrates."""

import os
import subprocess
from pathlib import Path
from typing import Final

import psycopg

from tests.support.patience import PATIENCE_S

SUPERUSER: Final = "postgres"
OWNER: Final = "daybook"
APP: Final = "daybook_app"
READER: Final = "daybook_reader"
_SCRIPT: Final = Path(__file__).resolve().parents[3] / "deploy" / "postgres" / "create-roles.sh"


def url(socket_directory: object, database: str, role: str = APP) -> str:
    """Return a database's URL as a role connects to it; django-environ and psycopg both read it."""
    return f"postgres://{role}@/{database}?host={socket_directory}"


def as_role(database_url: str, role: str) -> str:
    """Return the URL of the same database for another role."""
    scheme, _, rest = database_url.partition("://")
    return f"{scheme}://{role}@{rest.partition('@')[2]}"


def create_roles(binaries: Path, socket_directory: object, database: str) -> None:
    """Create the roles as an installation does: by its own script, as a superuser; the reader may log in too."""
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(socket_directory),
        "POSTGRES_USER": SUPERUSER,
        "POSTGRES_DB": database,
        "OWNER_PASSWORD": "the owner's",
        "APP_PASSWORD": 'the "application\'s"',
    }
    subprocess.run(["sh", str(_SCRIPT)], check=True, env=environment, timeout=PATIENCE_S)
    with psycopg.connect(host=str(socket_directory), user=SUPERUSER, dbname=database, autocommit=True) as server:
        server.execute(f"ALTER ROLE {READER} LOGIN")
