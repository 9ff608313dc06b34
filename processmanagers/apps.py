"""The app's place in Django."""

from django.apps import AppConfig


class ProcessManagersConfig(AppConfig):
    """Process managers."""

    name = "processmanagers"
    verbose_name = "Process managers"
