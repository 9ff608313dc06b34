"""The app's place in Django."""

from django.apps import AppConfig


class EventStoreConfig(AppConfig):
    """The event store."""

    name = "eventstore"
    verbose_name = "The event store"
