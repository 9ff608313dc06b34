"""A transaction that holds the append lock may be idle only briefly."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function."""

    dependencies: ClassVar = [("eventstore", "0005_generations_know_their_position")]
    operations: ClassVar = [vendor_sql("append")]
