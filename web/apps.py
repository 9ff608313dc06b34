"""The Django app `web`."""

from django.apps import AppConfig
from django.core.checks import register

from web import checks


class WebConfig(AppConfig):
    """Configuration of the app."""

    name = "web"
    verbose_name = "The web"

    def ready(self) -> None:
        """Register the checks of an installation."""
        register(checks.check_database_is_named, deploy=True)
        register(checks.check_names_of_variables, deploy=True)
