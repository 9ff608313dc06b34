"""The trigger that refuses a gap finds the log also while a row is replicated."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Gives the trigger's function its search_path."""

    dependencies: ClassVar = [("eventstore", "0011_consumers_by_name")]
    operations: ClassVar = [vendor_sql("append_only_search_path")]
