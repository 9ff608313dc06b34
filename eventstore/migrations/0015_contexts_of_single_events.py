"""Each event of an append may have a context of its own."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function."""

    dependencies: ClassVar = [("eventstore", "0014_relays")]
    operations: ClassVar = [vendor_sql("append")]
