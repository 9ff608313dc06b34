"""An index finds the membership deals that have ever named a company, in the log itself."""

from typing import Any, ClassVar

from django.db import migrations

from eventstore.log.payload_index import PayloadIndex

# As `memberships` declares it; a migration does not change when that does.
INDEX = PayloadIndex(
    "ledger_membership_deals",
    ("DealCreated", "DealUpdated"),
    ("companies", 0, "company_uuid"),
    ("product_line_id",),
    "4",
)


def create(_apps: Any, schema_editor: Any) -> None:
    """Create the index."""
    INDEX.create(schema_editor.connection)


def drop(_apps: Any, schema_editor: Any) -> None:
    """Drop the index."""
    INDEX.drop(schema_editor.connection)


class Migration(migrations.Migration):
    """Creates the index."""

    dependencies: ClassVar = [("ledger", "0006_folded_names"), ("eventstore", "0017_versions_of_many_streams")]
    operations: ClassVar = [migrations.RunPython(create, drop)]
