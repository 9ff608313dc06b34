"""The append function has its owner's rights by its own definition, whatever replaces it later."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function."""

    dependencies: ClassVar = [("eventstore", "0008_rebuild_requests")]
    operations: ClassVar = [vendor_sql("append")]
