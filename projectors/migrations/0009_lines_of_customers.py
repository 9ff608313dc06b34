"""Keeps the lines of each customer. The projector `customers` begins again, because its rows have no lines yet."""

import projectors.schema.sums
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_TABLES = ("CustomerSum", "OwedProduct", "LateRecordedFee", "LateAging")


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
        ('projectors', '0008_products_by_reference'),
    ]

    operations = [
        migrations.RunPython(begin_again, migrations.RunPython.noop),
        migrations.CreateModel(
            name='CustomerLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation', models.IntegerField()),
                ('position', models.BigIntegerField(help_text='The event at which the row was last changed.')),
                ('company_uuid', models.UUIDField()),
                ('currency', models.CharField(max_length=3)),
                ('minor_digits', models.SmallIntegerField()),
                ('product_uuid', models.UUIDField(blank=True, null=True)),
                ('event_type', models.CharField(max_length=100)),
                ('business_date', models.DateField(blank=True, null=True)),
                ('change', projectors.schema.sums.SumField(help_text='Of principal and fees outstanding.')),
                ('products', models.BigIntegerField(help_text='Products that owe something.')),
                ('overdue_products', models.BigIntegerField()),
                ('fees', projectors.schema.sums.SumField(help_text='Outstanding.')),
                ('owed', projectors.schema.sums.SumField(help_text='Principal and fees outstanding.')),
                ('overdue', projectors.schema.sums.SumField()),
                ('fees_incurred', projectors.schema.sums.SumField()),
                ('fees_paid', projectors.schema.sums.SumField()),
                ('fees_waived', projectors.schema.sums.SumField()),
            ],
        ),
        migrations.AddIndex(
            model_name='laterecordedfee',
            index=models.Index(fields=['generation', 'booking_date', 'business_date'], name='late_recorded_fee_dates'),
        ),
        migrations.AddIndex(
            model_name='customerline',
            index=models.Index(condition=models.Q(('product_uuid__isnull', False)), fields=['generation', 'company_uuid', 'business_date', 'position'], name='customer_line_by_date'),
        ),
        migrations.AddConstraint(
            model_name='customerline',
            constraint=models.UniqueConstraint(fields=('generation', 'company_uuid', 'currency', 'minor_digits', 'position'), name='customer_line_key'),
        ),
    ]
