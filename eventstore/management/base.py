"""What the project's commands share: an expected failure is one clear line on standard error and exit status 1."""

from typing import Any, ClassVar, Final, Never

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from eventstore.checks import LOG
from eventstore.errors import EventStoreError

_INTERRUPTED: Final = 130
"""What shells report of a program that SIGINT has ended."""


class OneLineParser(CommandParser):
    """Says on one line what is wrong with an argument; `--help` has the usage."""

    def error(self, message: str) -> Never:
        """End with status 2."""
        self.exit(2, f"CommandError: {' '.join(message.split())}; {self.prog} --help says what is allowed\n")


class ConsoleCommand(BaseCommand):
    """A command that looks first whether the databases are there and migrated.

    `refusals` are the exceptions whose message is meant for whoever typed the command.
    """

    # Not all that `manage.py check` looks at: to load the web's addresses and schemas takes longer than most commands.
    requires_system_checks = (LOG,)
    refusals: ClassVar[tuple[type[Exception], ...]] = (EventStoreError,)
    needs_database: ClassVar[bool] = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser whose errors, and those of its subcommands, are one line."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if getattr(parser, "called_from_command_line", False):
            parser.__class__ = OneLineParser
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; raises CommandError for whatever is expected to go wrong."""
        try:
            if self.needs_database:
                for alias in connections:
                    require_migrated(alias)
            return super().execute(*args, **options)
        except self.refusals as error:
            raise CommandError(" ".join(str(error).split())) from error
        except (OperationalError, InterfaceError) as error:
            raise CommandError(f"the database failed: {' '.join(str(error).split())}") from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted", returncode=_INTERRUPTED) from error


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
