"""The base of the project's commands: an expected failure is one line on standard error and exit status 1."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Final, Never

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from eventstore.checks import LOG
from eventstore.errors import EventStoreError
from eventstore.runtime.databases import is_read_only, own_databases
from eventstore.runtime.outages import READ_ONLY, is_outage, says_read_only
from eventstore.runtime.sqlite_files import file_fault, file_of, is_missing

_NO_DATABASE: Final = re.compile(r'FATAL: +database "([^"]+)" does not exist')
_INTERRUPTED: Final = 130
"""The exit status that shells report of a program ended by SIGINT."""


class OneLineParser(CommandParser):
    """Reports a wrong argument in one line; `--help` shows the usage. It takes no misspelt option for another one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> Never:
        """End with status 2."""
        self.exit(2, f"CommandError: {' '.join(message.split())}; {self.prog} --help shows what is allowed\n")


class ConsoleCommand(BaseCommand):
    """A command that first checks that the databases can be reached and are migrated.

    `refusals` are the exceptions whose message the operator reads.
    """

    # Not all checks of `manage.py check`: loading the web's URLs and schemas takes longer than most commands.
    requires_system_checks = (LOG,)
    refusals: ClassVar[tuple[type[Exception], ...]] = (EventStoreError,)
    needs_database: ClassVar[bool] = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that reports its errors, and those of its subcommands, in one line."""
        parser = super().create_parser(prog_name, subcommand, **{"allow_abbrev": False, **kwargs})
        if getattr(parser, "called_from_command_line", False):
            parser.__class__ = OneLineParser
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; raises CommandError for every expected failure."""
        try:
            if self.needs_database:
                require_all_migrated()
            return super().execute(*args, **options)
        except self.refusals as error:
            raise CommandError(" ".join(str(error).split())) from error
        except (DatabaseError, InterfaceError) as error:
            if not isinstance(error, OperationalError) and not is_outage(error) and file_fault(error) is None:
                raise
            raise CommandError(f"the database failed: {reason_of(error)}") from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted", returncode=_INTERRUPTED) from error


def reason_of(error: BaseException) -> str:
    """Return in one line why a database failed, with the remedy if it is known, and the file if that is at fault."""
    said, fault = " ".join(str(error).split()), file_fault(error)
    if missing := _NO_DATABASE.search(said):
        return f"{said}: make it, with createdb {missing[1]}, or name another database"
    reason = said if fault is None or str(fault) in said else f"{said}: {fault}"
    if not says_read_only(error):
        return reason
    return f"{reason}; {READ_ONLY}" if fault is None else f"{reason}; or {READ_ONLY}"


def require_all_migrated() -> None:
    """Raise CommandError if one of the databases cannot be reached or lacks migrations."""
    for alias in own_databases():
        require_migrated(alias)


def require_migrated(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Raise CommandError if a database cannot be reached or lacks migrations; it makes no file of SQLite."""
    option = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
    remedy = f"the database {alias!r} is not migrated; run: manage.py migrate{option}"
    missing_file = _missing_file(alias)
    if missing_file is not None:
        raise CommandError(
            f"{remedy}, which makes the file {missing_file}: it does not exist, or was another one meant?"
        )
    try:
        executor = MigrationExecutor(connections[alias])
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError) as error:
        raise CommandError(f"the database {alias!r} cannot be used: {reason_of(error)}") from error
    if missing:
        raise CommandError(remedy)


def require_writable(aliases: Iterable[str]) -> None:
    """Raise CommandError if one of the databases can only be read: a command that ends does not wait for a failover."""
    for alias in aliases:
        if is_read_only(alias):
            raise CommandError(f"the database {alias!r} can only be read: {READ_ONLY}")


def _missing_file(alias: str) -> Path | None:
    """Return the file of an SQLite database if it does not exist: to connect would make it."""
    connection = connections[alias]
    if connection.vendor != "sqlite" or connection.connection is not None:
        return None
    path = file_of(str(connection.settings_dict["NAME"]))
    return path if path is not None and is_missing(path) else None
