"""Lets a session of PostgreSQL take the ids of a hundred journal lines at once: each of them took a page and its lock."""

from collections.abc import Callable

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def keep_ids(number: int) -> Callable[[StateApps, BaseDatabaseSchemaEditor], None]:
    """Return a step that lets each session keep so many ids."""

    def step(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == 'postgresql':
            schema_editor.execute(f'ALTER SEQUENCE projectors_journalline_id_seq CACHE {number}')

    return step


class Migration(migrations.Migration):

    dependencies = [
        ('projectors', '0013_rankings_of_all'),
    ]

    operations = [
        migrations.RunPython(keep_ids(100), keep_ids(1), hints={'model_name': 'journalline'}),
    ]
