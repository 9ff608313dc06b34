"""What the project's commands share: an expected failure is one clear line on standard error and exit status 1."""

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor

from eventstore.errors import EventStoreError


class ConsoleCommand(BaseCommand):
    """A command that looks first whether the databases are there and migrated.

    `refusals` are the exceptions whose message is meant for whoever typed the command.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = (EventStoreError,)
    needs_database: ClassVar[bool] = True

    def execute(self, *args: Any, **options: Any) -> str | None:  # noqa: ANN401 - Django's own
        """Run the command; raises CommandError for whatever is expected to go wrong."""
        try:
            if self.needs_database:
                for alias in connections:
                    require_migrated(alias)
            return super().execute(*args, **options)
        except self.refusals as error:
            raise CommandError(" ".join(str(error).split())) from error


def require_migrated(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Raise CommandError where a database cannot be reached, or lacks migrations."""
    try:
        executor = MigrationExecutor(connections[alias])
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError) as error:
        raise CommandError(f"the database {alias!r} cannot be used: {' '.join(str(error).split())}") from error
    if missing:
        option = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
        raise CommandError(f"the database {alias!r} is not migrated; run: manage.py migrate{option}")
