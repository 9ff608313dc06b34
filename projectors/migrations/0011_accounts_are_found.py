"""Funding accounts are found by the words of their labels."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projectors', '0010_lists_of_invoices'),
    ]

    operations = [
        migrations.AlterField(
            model_name='searchword',
            name='kind',
            field=models.CharField(choices=[('company', 'Company'), ('product', 'Product'), ('asset', 'Asset'), ('account', 'Account')], max_length=10),
        ),
    ]
