"""Keeps rankings of customers, and the periods in which a late fee is all that is owed. `customers` begins again."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_TABLES = ("CustomerSum", "CustomerLine", "OwedProduct", "DueSum", "LateRecordedFee", "LateAging")


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
        ('projectors', '0011_accounts_are_found'),
    ]

    operations = [
        migrations.RunPython(begin_again, migrations.RunPython.noop),
        migrations.CreateModel(
            name='CustomerRanking',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation', models.IntegerField()),
                ('position', models.BigIntegerField(help_text='The event at which the row was last changed.')),
                ('by', models.CharField(help_text='The sum by which they are ranked.', max_length=15)),
                ('through', models.BigIntegerField(help_text='The last position whose events are in the sums.')),
                ('customers', models.JSONField(help_text='A list of company_uuid, currency, minor_digits and sum.')),
            ],
        ),
        migrations.CreateModel(
            name='LateOwing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation', models.IntegerField()),
                ('position', models.BigIntegerField(help_text='The event at which the row was last changed.')),
                ('product_uuid', models.UUIDField()),
                ('company_uuid', models.UUIDField()),
                ('currency', models.CharField(max_length=3)),
                ('minor_digits', models.SmallIntegerField()),
                ('due_date', models.DateField()),
                ('after_date', models.DateField(help_text='The last date that began without the product owing.')),
                ('until_date', models.DateField(help_text='The last date that began with it.')),
            ],
            options={
                'verbose_name_plural': 'late owing',
            },
        ),
        migrations.RemoveConstraint(
            model_name='lateaging',
            name='late_aging_key',
        ),
        migrations.RenameField(
            model_name='lateaging',
            old_name='booking_date',
            new_name='until_date',
        ),
        migrations.RemoveField(
            model_name='laterecordedfee',
            name='owing_after',
        ),
        migrations.AddField(
            model_name='owedproduct',
            name='settled_periods',
            field=models.JSONField(blank=True, default=list, help_text='Between which booking dates it was settled and owed again, without what late fees have filled.'),
        ),
        migrations.AddIndex(
            model_name='customerline',
            index=models.Index(fields=['generation', 'position'], name='customer_line_by_position'),
        ),
        migrations.AddConstraint(
            model_name='lateaging',
            constraint=models.UniqueConstraint(fields=('generation', 'after_date', 'until_date', 'due_date', 'currency', 'minor_digits'), name='late_aging_key'),
        ),
        migrations.AddConstraint(
            model_name='customerranking',
            constraint=models.UniqueConstraint(fields=('generation', 'by', 'through'), name='customer_ranking_key'),
        ),
        migrations.AddIndex(
            model_name='lateowing',
            index=models.Index(fields=['generation', 'company_uuid', 'after_date'], name='late_owing_customer'),
        ),
        migrations.AddIndex(
            model_name='lateowing',
            index=models.Index(fields=['generation', 'until_date', 'after_date'], name='late_owing_dates'),
        ),
        migrations.AddConstraint(
            model_name='lateowing',
            constraint=models.UniqueConstraint(fields=('generation', 'position', 'after_date'), name='late_owing_key'),
        ),
    ]
