"""Leaves room in the pages of rows that change often, so that PostgreSQL updates them in place (HOT)."""

from typing import ClassVar, Final

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# The share of a page that inserts may fill, by table: half for narrow rows that any event of money changes.
_FILL: Final = {"projectors_balance": 50, "projectors_financialproduct": 70}


def leave_room(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Set the fill factors; SQLite has none."""
    if schema_editor.connection.vendor == "postgresql":
        for table, percent in _FILL.items():
            schema_editor.execute(f'ALTER TABLE "{table}" SET (fillfactor = {percent})')


class Migration(migrations.Migration):
    """Runs leave_room."""

    dependencies: ClassVar = [("projectors", "0001_initial")]
    operations: ClassVar = [migrations.RunPython(leave_room, migrations.RunPython.noop)]
