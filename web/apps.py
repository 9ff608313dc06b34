"""The Django app `web`."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Configuration of the app."""

    name = "web"
    verbose_name = "The web"
