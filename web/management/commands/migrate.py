"""`manage.py migrate`: Django's command, which is the only one that makes the file of an SQLite database."""

from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from eventstore.checks import LOG
from eventstore.management.base import require_writable
from eventstore.runtime.databases import is_read_only
from eventstore.runtime.sqlite_files import READ_ONLY, FileFault, file_of, is_missing


class Command(migrate.Command):
    """Migrates a database."""

    # Not all checks of `manage.py check`: loading the web's URLs and schemas takes as long as migrating.
    requires_system_checks = (Tags.models, Tags.database, LOG)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Make the file if it does not exist, before the checks open it, and migrate it; refuse what is only read."""
        alias = options["database"]
        if not (options["plan"] or options["check_unapplied"]):
            connection = connections[alias]
            path = file_of(str(connection.settings_dict["NAME"])) if connection.vendor == "sqlite" else None
            if path is None:
                require_writable([alias])
            else:
                _make(path, can_write=not is_read_only(alias))
        return super().execute(*args, **options)


def _make(path: Path, *, can_write: bool) -> None:
    """Make a file that does not exist; raise CommandError if it cannot be made or written."""
    is_new = is_missing(path)
    if not can_write:
        raise CommandError(str(FileFault((path,), "cannot be made" if is_new else "can only be read", READ_ONLY)))
    if is_new:
        try:
            path.touch(mode=0o644)  # as SQLite makes it
        except OSError as error:
            raise CommandError(f"the file {path} cannot be made: {error.strerror}") from error
