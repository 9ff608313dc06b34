"""The app's place in Django."""

from django.apps import AppConfig


class ProjectorsConfig(AppConfig):
    """Read models."""

    name = "projectors"
    verbose_name = "Read models"
