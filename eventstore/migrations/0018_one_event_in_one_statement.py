"""An append of one event is one statement."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function."""

    dependencies: ClassVar = [("eventstore", "0017_versions_of_many_streams")]
    operations: ClassVar = [vendor_sql("append")]
