"""Creates the roles of the PostgreSQL databases, and gives each what it needs."""

from typing import Any

from django.core.management.base import CommandError

from eventstore.management.base import ConsoleCommand
from eventstore.management.database_roles import create_roles, has_roles
from eventstore.runtime.databases import own_databases


class Command(ConsoleCommand):
    """Creates the roles, as a role that may; `migrate` renews their rights."""

    help = (
        "Creates the roles daybook_app and daybook_reader, in the database of the log and in that of the read models,"
        " and gives them their rights. Run it once; each `migrate` gives them their rights anew."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Create them in each database that knows roles."""
        named = [using for using in own_databases() if has_roles(using)]
        if not named:
            raise CommandError("this database is SQLite, which has no roles: protect the file by its permissions")
        for using in named:
            create_roles(using)
        self.stdout.write("daybook_app can append, project and serve; daybook_reader can read the log and read models")
