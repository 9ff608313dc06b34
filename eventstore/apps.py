"""The app's place in Django."""

from django.apps import AppConfig


class EventStoreConfig(AppConfig):
    """The event store."""

    name = "eventstore"
    verbose_name = "The event store"

    def ready(self) -> None:
        """Register the system checks."""
        from eventstore import checks  # noqa: F401, PLC0415 - importing registers them, and models are ready only now
