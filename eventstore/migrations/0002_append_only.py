"""The append function and the triggers that keep the log append-only, each from its SQL file."""

from typing import ClassVar

from django.db import migrations

from eventstore.vendor_sql import vendor_sql


class Migration(migrations.Migration):
    """Runs append and append_only for the database at hand."""

    dependencies: ClassVar = [("eventstore", "0001_initial")]
    operations: ClassVar = [vendor_sql("append_only"), vendor_sql("append"), vendor_sql("append_early")]
