"""Lets a ranking say that it has every customer: so a ledger of few customers has rankings, too."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projectors', '0012_rankings_of_customers'),
    ]

    operations = [
        migrations.AddField(
            model_name='customerranking',
            name='is_all',
            field=models.BooleanField(default=False, help_text='Whether no other customer had a sum.'),
        ),
    ]
