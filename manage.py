#!/usr/bin/env python
"""Daybook's command line: `manage.py help` lists what it can do."""

import os
import sys

_PIPE_CLOSED = 141  # the exit code that shells use for a program ended by SIGPIPE
_INTERRUPTED = 130  # the exit code that shells use for a program ended by SIGINT


def main() -> None:
    """Run a command; a fault that an operator can correct prints one line and no traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    try:
        from django.conf import settings  # noqa: PLC0415 - Django reads its settings here
    except ModuleNotFoundError:
        sys.exit("Django is not installed for this Python: use .venv/bin/python manage.py; `make venv` installs it")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db import Error  # noqa: PLC0415

    try:
        for name, setting in settings.MISSPELT_VARIABLES.items():
            sys.stderr.write(f"warning: {name} is not a setting; was {setting} meant?\n")
        try:
            execute_from_command_line(sys.argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output, such as `head`, has enough; the interpreter must not flush into the pipe either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE_CLOSED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except ImproperlyConfigured as refused:
        sys.exit(f"Daybook does not start: {_one_line(refused)}")
    except Error as failed:
        if "--traceback" in sys.argv:
            raise
        sys.exit(_explained(failed))


def _explained(failed: Exception) -> str:
    """Return what the database refused, and the remedy if it is known."""
    from django.db import ProgrammingError  # noqa: PLC0415 - Django has read its settings by now

    from eventstore.management.base import reason_of  # noqa: PLC0415

    reason = reason_of(failed)
    is_missing = isinstance(failed, ProgrammingError) and "does not exist" in reason  # a table or column of PostgreSQL
    if is_missing or "no such table" in reason or "no such column" in reason:
        return f"the database is not migrated ({reason}): run manage.py migrate"
    if reason != _one_line(failed):
        return f"the database failed: {reason}"
    return f"the database failed ({reason}); --traceback shows where"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
