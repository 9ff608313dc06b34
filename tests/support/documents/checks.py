"""Runs several commands of manage.py in one process, each of which would load Django anew; fails if one of them does.

`python -m tests.support.documents.checks "COMMAND ARGUMENT…" …`
"""

import os
import shlex
import sys
from collections.abc import Iterable

import django
from django.core.management import CommandError, call_command


def failing(commands: Iterable[str]) -> list[str]:
    """Run all commands, and return those that fail."""
    failed = []
    for command in commands:
        sys.stdout.write(f"manage.py {command}\n")
        sys.stdout.flush()
        try:
            call_command(*shlex.split(command))
        except CommandError as error:
            sys.stderr.write(f"CommandError: {error}\n")
            failed.append(command)
        except SystemExit as ended:
            if ended.code:
                failed.append(command)
    return failed


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    django.setup()
    sys.exit(bool(failing(sys.argv[1:])))
