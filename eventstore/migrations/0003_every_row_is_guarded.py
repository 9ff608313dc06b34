"""Row triggers: no row is changed, whoever applies the change, and no row is inserted that is not the next."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function by one that says that it appends, and adds the triggers."""

    dependencies: ClassVar = [("eventstore", "0002_append_only")]
    operations: ClassVar = [vendor_sql("append"), vendor_sql("append_only_rows")]
