"""The event store as a Django app."""

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate

from eventstore.management.database_roles import grant_rights
from eventstore.runtime.defaults import complete


class EventStoreConfig(AppConfig):
    """The event store."""

    name = "eventstore"
    verbose_name = "Event store"

    def ready(self) -> None:
        """Complete the settings, register the checks, and let each migration end with the rights of the roles."""
        complete(settings)
        from eventstore import checks  # noqa: F401, PLC0415 - importing registers them, and models are ready only now

        post_migrate.connect(grant_rights, sender=self)
