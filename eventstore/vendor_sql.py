"""Runs SQL files in migrations, each on the database that it is written for."""

from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunPython
from django.db.migrations.state import StateApps

FOLDER = Path(__file__).parent / "migrations" / "sql"
Step = Callable[[StateApps, BaseDatabaseSchemaEditor], None]


def run_file(name: str, folder: Path = FOLDER) -> Step:
    """Return a migration step that runs `<name>.<vendor>.sql` if this file exists."""

    def step(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        path = folder / f"{name}.{schema_editor.connection.vendor}.sql"
        if not path.exists():
            return
        with schema_editor.connection.cursor() as cursor:
            if schema_editor.connection.vendor == "sqlite":
                for statement in _statements(path.read_text()):
                    cursor.execute(statement)
            else:
                # Without parameters, psycopg leaves the percent signs of the text as they are.
                cursor.execute(path.read_text(), None)

    return step


def _statements(text: str) -> list[str]:
    """Split SQLite's triggers at the blank lines between them; they contain semicolons."""
    return [block for block in text.split("\n\n") if block.strip()]


def vendor_sql(name: str) -> RunPython:
    """Return the operation that runs `<name>.<vendor>.sql` in the log's database; it cannot be reversed."""
    return RunPython(run_file(name), _refuse_reversal, hints={"model_name": "event"})


def _refuse_reversal(_apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    raise CommandError(
        "the event store's migrations cannot be reversed: the log is never dropped or left without its triggers;"
        " to delete a ledger, drop its database as the database's owner"
    )
