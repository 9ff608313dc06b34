"""One append records the keys of many commands."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Creates the function."""

    dependencies: ClassVar = [("eventstore", "0012_guard_of_replicated_rows")]
    operations: ClassVar = [vendor_sql("record_keys")]
