"""The event store as a Django app."""

from django.apps import AppConfig


class EventStoreConfig(AppConfig):
    """The event store."""

    name = "eventstore"
    verbose_name = "Event store"

    def ready(self) -> None:
        """Register the system checks."""
        from eventstore import checks  # noqa: F401, PLC0415 - importing registers them, and models are ready only now
