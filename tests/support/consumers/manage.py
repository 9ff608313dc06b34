"""manage.py with the probes as the only consumers: `python -m tests.support.consumers.manage run_projector copy`."""

import sys

import django

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402 - Django comes first

from tests.support.consumers.probes import registered  # noqa: E402

if __name__ == "__main__":
    with registered():
        execute_from_command_line(["manage.py", *sys.argv[1:]])
