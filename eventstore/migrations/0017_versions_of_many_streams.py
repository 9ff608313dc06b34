"""An append to many streams reads their versions by one statement."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function."""

    dependencies: ClassVar = [("eventstore", "0016_recover_action")]
    operations: ClassVar = [vendor_sql("append")]
