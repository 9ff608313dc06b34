"""Runs SQL files in migrations, each on the database that it is written for."""

from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunPython
from django.db.migrations.state import StateApps

FOLDER = Path(__file__).parent / "migrations" / "sql"
Step = Callable[[StateApps, BaseDatabaseSchemaEditor], None]


def run_file(name: str) -> Step:
    """Return a migration step that runs `<name>.<vendor>.sql`, and nothing where there is no such file."""

    def step(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        path = FOLDER / f"{name}.{schema_editor.connection.vendor}.sql"
        if not path.exists():
            return
        with schema_editor.connection.cursor() as cursor:
            if schema_editor.connection.vendor == "sqlite":
                for statement in _statements(path.read_text()):
                    cursor.execute(statement)
            else:
                # The text has percent signs of its own, so that it must not be taken for a template.
                cursor.execute(path.read_text(), None)

    return step


def _statements(text: str) -> list[str]:
    """Split SQLite's triggers, which have semicolons within, at the blank lines between them."""
    return [block for block in text.split("\n\n") if block.strip()]


def vendor_sql(name: str) -> RunPython:
    """Return the operation that runs `<name>.<vendor>.sql` where the model's table is; it cannot be undone."""
    return RunPython(run_file(name), _refuse_reversal, hints={"model_name": "event"})


def _refuse_reversal(_apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    raise CommandError(
        "the event store's migrations cannot be reversed: the log is never dropped or left without its triggers;"
        " to get rid of a ledger, drop its database as the database's owner"
    )
