"""The append waits for its lock for a bounded time."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function."""

    dependencies: ClassVar = [("eventstore", "0003_every_row_is_guarded")]
    operations: ClassVar = [vendor_sql("append")]
