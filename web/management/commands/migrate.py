"""`manage.py migrate`: Django's command, which is the only one that makes the file of an SQLite database."""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from eventstore.checks import LOG
from eventstore.runtime.sqlite_files import file_of


class Command(migrate.Command):
    """Migrates a database."""

    # Not all checks of `manage.py check`: loading the web's URLs and schemas takes as long as migrating.
    requires_system_checks = (Tags.models, Tags.database, LOG)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Make the file if it does not exist, before the checks open it, and migrate it."""
        connection = connections[options["database"]]
        path = file_of(str(connection.settings_dict["NAME"])) if connection.vendor == "sqlite" else None
        if path is not None and not (path.exists() or options["plan"] or options["check_unapplied"]):
            try:
                path.touch()
            except OSError as error:
                raise CommandError(f"the file {path} cannot be made: {error.strerror}") from error
        return super().execute(*args, **options)
