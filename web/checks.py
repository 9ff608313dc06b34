"""System checks of an installation, beside Django's own: `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

DEFAULT_DATABASE = "web.W001"
MISSPELT = "web.W002"


def check_database_is_named(**_options: Any) -> list[CheckMessage]:
    """Warn if the log is in the SQLite file that is the default for development."""
    if settings.DATABASE_IS_NAMED:
        return []
    return [Warning("DATABASE_URL is not set.", hint="Name the database of the log.", id=DEFAULT_DATABASE)]


def check_names_of_variables(**_options: Any) -> list[CheckMessage]:
    """Warn of environment variables whose names look like misspelt settings."""
    return [
        Warning(f"The environment variable {name} is not a setting.", hint=f"Was {setting} meant?", id=MISSPELT)
        for name, setting in settings.MISSPELT_VARIABLES.items()
    ]
