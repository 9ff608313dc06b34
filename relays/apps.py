"""The Django app; it registers the relays."""

from django.apps import AppConfig


class RelaysConfig(AppConfig):
    """Relays."""

    name = "relays"
    verbose_name = "Relays"
