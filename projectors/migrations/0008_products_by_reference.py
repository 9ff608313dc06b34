"""Lets products be found by their reference."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from ledger.rules.texts import identity


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model('projectors', 'FinancialProduct').objects.using(schema_editor.connection.alias)
    rows.update(reference_identity=models.F('reference'))
    for pk, reference in rows.values_list('pk', 'reference').iterator():
        same = identity(reference)
        if same != reference:
            rows.filter(pk=pk).update(reference_identity=same)


class Migration(migrations.Migration):

    dependencies = [
        ('projectors', '0007_customers_and_late_records'),
    ]

    operations = [
        migrations.AddField(
            model_name='financialproduct',
            name='reference_identity',
            # The default serves processes of the release before, which do not know the column.
            field=models.CharField(db_default='', default='', help_text='What all references that are the same have in common. See Note [Identity of text].', max_length=200),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, hints={'model_name': 'financialproduct'}),
        migrations.AddIndex(
            model_name='financialproduct',
            index=models.Index(fields=['generation', 'reference_identity', 'product_uuid'], name='financial_product_reference'),
        ),
    ]
