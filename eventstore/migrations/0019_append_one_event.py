"""An append of one event has a function of its own."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Replaces the append function and adds another."""

    dependencies: ClassVar = [("eventstore", "0018_one_event_in_one_statement")]
    operations: ClassVar = [vendor_sql("append"), vendor_sql("append_one")]
