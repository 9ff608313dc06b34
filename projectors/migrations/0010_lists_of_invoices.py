"""Gives products an order for each list, and sums by due date. The projector `customers` begins again."""

import projectors.schema.sums
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


_TABLES = ("CustomerSum", "CustomerLine", "OwedProduct", "LateRecordedFee", "LateAging")


def begin_again(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Forget the rows and the checkpoint of `customers`, so that it begins at position 1."""
    alias = schema_editor.connection.alias
    for name in _TABLES:
        rows = apps.get_model("projectors", name).objects.using(alias).all()
        rows._raw_delete(alias)  # noqa: SLF001 - the only way that reads no row
    apps.get_model("eventstore", "Generation").objects.using(alias).filter(projector="customers").delete()
    names = ("customers", "customers@rebuild")
    apps.get_model("eventstore", "Checkpoint").objects.using(alias).filter(name__in=names).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('eventstore', '0005_generations_know_their_position'),
        ('projectors', '0009_lines_of_customers'),
    ]

    operations = [
        migrations.RunPython(begin_again, migrations.RunPython.noop),
        migrations.CreateModel(
            name='DueSum',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation', models.IntegerField()),
                ('position', models.BigIntegerField(help_text='The event at which the row was last changed.')),
                ('currency', models.CharField(max_length=3)),
                ('minor_digits', models.SmallIntegerField()),
                ('due_date', models.DateField()),
                ('status', models.CharField(choices=[('open', 'Open'), ('paid', 'Paid'), ('written_off', 'Written Off')], max_length=12)),
                ('products', models.BigIntegerField(default=0)),
                ('owing', models.BigIntegerField(default=0, help_text='Products that owe something.')),
                ('owed', projectors.schema.sums.SumField(default=0, help_text='Principal and fees outstanding.')),
                ('fees', projectors.schema.sums.SumField(default=0, help_text='Outstanding.')),
            ],
        ),
        migrations.AddField(
            model_name='owedproduct',
            name='given_up',
            field=projectors.schema.sums.SumField(default=0, help_text='Written off, less what was reversed.'),
        ),
        migrations.AddField(
            model_name='owedproduct',
            name='originated_position',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='owedproduct',
            name='owed',
            field=projectors.schema.sums.SumField(default=0, help_text='Principal and fees outstanding.'),
        ),
        migrations.AddField(
            model_name='owedproduct',
            name='status',
            field=models.CharField(choices=[('open', 'Open'), ('paid', 'Paid'), ('written_off', 'Written Off')], default='open', max_length=12),
        ),
        migrations.AddIndex(
            model_name='owedproduct',
            index=models.Index(condition=models.Q(('owes', True)), fields=['generation', 'currency', '-owed', 'product_uuid'], name='owed_product_owed'),
        ),
        migrations.AddIndex(
            model_name='owedproduct',
            index=models.Index(condition=models.Q(('owes', True)), fields=['generation', 'currency', '-fees', 'product_uuid'], name='owed_product_fees'),
        ),
        migrations.AddIndex(
            model_name='owedproduct',
            index=models.Index(condition=models.Q(('owes', True)), fields=['generation', 'company_uuid', 'due_date', 'product_uuid'], name='owed_product_of_customer'),
        ),
        migrations.AddIndex(
            model_name='owedproduct',
            index=models.Index(fields=['generation', 'status', 'due_date', 'product_uuid'], name='owed_product_status'),
        ),
        migrations.AddIndex(
            model_name='owedproduct',
            index=models.Index(fields=['generation', 'company_uuid', 'status', 'due_date', 'product_uuid'], name='owed_product_status_of'),
        ),
        migrations.AddConstraint(
            model_name='duesum',
            constraint=models.UniqueConstraint(fields=('generation', 'currency', 'minor_digits', 'due_date', 'status'), name='due_sum_key'),
        ),
    ]
