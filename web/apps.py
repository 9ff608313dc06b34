"""The app's place in Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The edge of the web."""

    name = "web"
    verbose_name = "The web"
