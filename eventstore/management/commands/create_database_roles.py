"""Creates the roles of the PostgreSQL database, and gives each what it needs."""

from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import connection

import eventstore
from eventstore.management.base import ConsoleCommand

_SQL: Final = Path(eventstore.__file__).parent / "roles.sql"


class Command(ConsoleCommand):
    """Runs roles.sql as the owner of the tables; it can be run again, and must be after each migration."""

    help = "Creates the roles daybook_app and daybook_reader and gives them their rights; run it after each migrate."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Create them."""
        if connection.vendor != "postgresql":
            raise CommandError("this database is SQLite, which has no roles: protect the file by its permissions")
        with connection.cursor() as cursor:
            # The text has percent signs of its own, so it must not be taken for a template.
            cursor.execute(_SQL.read_text(encoding="utf-8"), None)
        self.stdout.write("daybook_app can append, project and serve; daybook_reader can read the log and read models")
