"""The Django app of the ledger; it registers the ledger's events with the event store."""

from django.apps import AppConfig
from django.db.models.signals import pre_save


class LedgerConfig(AppConfig):
    """The ledger."""

    name = "ledger"
    verbose_name = "The ledger"

    def ready(self) -> None:
        """Register each event class with the categories of the streams in which it occurs, and check users' names."""
        from django.contrib.auth.models import User  # noqa: PLC0415 - models are ready only now

        from eventstore.payloads.registry import registry  # noqa: PLC0415 - the registry is filled once apps are ready
        from ledger.rules.events import CATEGORIES  # noqa: PLC0415
        from ledger.user_names import check_name  # noqa: PLC0415

        for cls in dict.fromkeys(cls for classes in CATEGORIES.values() for cls in classes):
            registry.register(cls, categories=tuple(name for name, classes in CATEGORIES.items() if cls in classes))
        pre_save.connect(check_name, sender=User)
