"""Row triggers: they refuse every change of a row, and every row that is not the next one of the log."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function by one that says that it appends, and adds the triggers."""

    dependencies: ClassVar = [("eventstore", "0002_append_only")]
    operations: ClassVar = [vendor_sql("append"), vendor_sql("append_only_rows")]
