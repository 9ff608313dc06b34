"""The Django app of the read models; it registers its projectors as consumers."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ProjectorsConfig(AppConfig):
    """Read models."""

    name = "projectors"
    verbose_name = "Read models"

    def ready(self) -> None:
        """Register every projector of the catalogue."""
        from eventstore.consumers.registry import register  # noqa: PLC0415 - models cannot be imported before apps are ready
        from projectors.catalog import PROJECTORS  # noqa: PLC0415
        from projectors.schema.sums import add_sqlite_sum  # noqa: PLC0415

        connection_created.connect(add_sqlite_sum, dispatch_uid="projectors.schema.sums")
        for projector in PROJECTORS:
            register(projector)
