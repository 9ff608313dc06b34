"""Indexes for the lists that are paged: by status, and lines in the order in which they are listed."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projectors', '0002_room_for_updates'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='journalline',
            name='journal_line_account',
        ),
        migrations.RemoveIndex(
            model_name='journalline',
            name='journal_line_party',
        ),
        migrations.AddIndex(
            model_name='financialproduct',
            index=models.Index(fields=['generation', 'status', 'product_uuid'], name='financial_product_status'),
        ),
        migrations.AddIndex(
            model_name='journalline',
            index=models.Index(fields=['generation', 'account', 'position', 'line'], name='journal_line_by_account'),
        ),
        migrations.AddIndex(
            model_name='journalline',
            index=models.Index(fields=['generation', 'party_uuid', 'position', 'line'], name='journal_line_by_party'),
        ),
    ]
