"""The peers from npm that the append is compared with: message-db and Emmett, at the versions of package-lock.json."""

import subprocess
from pathlib import Path

import psycopg

from tests.support.postgres.roles import APP, OWNER, as_role

HERE = Path(__file__).parent
MESSAGE_DB = HERE / "node_modules" / "@eventide" / "message-db" / "database"
EMMETT = HERE / "emmett.mjs"
_FILES = ("schema/*.sql", "tables/*.sql", "types/*.sql", "functions/*.sql", "indexes/*.sql")
_RIGHTS = (
    f"GRANT USAGE ON SCHEMA message_store TO {APP}",
    f"GRANT ALL ON ALL TABLES IN SCHEMA message_store TO {APP}",
    f"GRANT ALL ON ALL SEQUENCES IN SCHEMA message_store TO {APP}",
)


def install() -> None:
    """Install the packages, unless they are there; it needs npm and node 20."""
    if not MESSAGE_DB.exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], check=True, cwd=HERE)


def create_message_db(url: str) -> None:
    """Create message-db's schema as its own script does, without its role."""
    with psycopg.connect(as_role(url, OWNER), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS message_store")
        connection.execute("SET search_path = message_store, public")
        connection.execute("SET check_function_bodies = off")
        for pattern in _FILES:
            for path in sorted(MESSAGE_DB.glob(pattern)):
                connection.execute(path.read_text().replace("CONCURRENTLY", ""))
        for statement in _RIGHTS:
            connection.execute(statement)


def create_emmett(url: str) -> None:
    """Create Emmett's tables and functions by its own migration."""
    subprocess.run(["node", str(EMMETT), url, "0", "1"], check=True, cwd=HERE)
