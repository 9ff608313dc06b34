"""The Django app of the read models; it registers its projectors as consumers."""

from django.apps import AppConfig


class ProjectorsConfig(AppConfig):
    """Read models."""

    name = "projectors"
    verbose_name = "Read models"

    def ready(self) -> None:
        """Register every projector of the catalogue."""
        from eventstore.consumers.registry import register  # noqa: PLC0415 - models cannot be imported before apps are ready
        from projectors.catalog import PROJECTORS  # noqa: PLC0415

        for projector in PROJECTORS:
            register(projector)
