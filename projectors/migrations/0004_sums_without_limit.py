"""Makes columns that hold sums wide enough for any sum."""

import projectors.schema.sums
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_SUMS = {
    'projectors_agingbucket': ('fees', 'principal'),
    'projectors_dailyactivity': ('fees_assessed', 'fees_waived', 'granted', 'paid_in', 'paid_out'),
    'projectors_financialproduct': ('fees_incurred', 'fees_outstanding', 'fees_paid', 'fees_waived'),
    'projectors_journalline': ('credit', 'debit'),
}


def _alter(schema_editor: BaseDatabaseSchemaEditor, type_: str) -> None:
    # One statement for each table, so that PostgreSQL rewrites it once. SQLite stores a sum of any size in these columns.
    if schema_editor.connection.vendor == 'postgresql':
        for table, columns in _SUMS.items():
            changes = ', '.join(f'ALTER COLUMN "{column}" TYPE {type_}' for column in columns)
            schema_editor.execute(f'ALTER TABLE "{table}" {changes}')


def widen(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _alter(schema_editor, 'numeric(39, 0)')


def narrow(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    _alter(schema_editor, 'bigint')


class Migration(migrations.Migration):

    dependencies = [
        ('projectors', '0003_quick_lists'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(widen, narrow)],
            state_operations=[
                migrations.AlterField(
                    model_name='agingbucket',
                    name='fees',
                    field=projectors.schema.sums.SumField(),
                ),
                migrations.AlterField(
                    model_name='agingbucket',
                    name='principal',
                    field=projectors.schema.sums.SumField(),
                ),
                migrations.AlterField(
                    model_name='dailyactivity',
                    name='fees_assessed',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='dailyactivity',
                    name='fees_waived',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='dailyactivity',
                    name='granted',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='dailyactivity',
                    name='paid_in',
                    field=projectors.schema.sums.SumField(default=0, help_text='Received from outside, less what was reversed.'),
                ),
                migrations.AlterField(
                    model_name='dailyactivity',
                    name='paid_out',
                    field=projectors.schema.sums.SumField(default=0, help_text='Paid to outside, less what came back.'),
                ),
                migrations.AlterField(
                    model_name='financialproduct',
                    name='fees_incurred',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='financialproduct',
                    name='fees_outstanding',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='financialproduct',
                    name='fees_paid',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='financialproduct',
                    name='fees_waived',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='journalline',
                    name='credit',
                    field=projectors.schema.sums.SumField(default=0),
                ),
                migrations.AlterField(
                    model_name='journalline',
                    name='debit',
                    field=projectors.schema.sums.SumField(default=0),
                ),
            ],
        ),
    ]
