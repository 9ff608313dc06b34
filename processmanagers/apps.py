"""The Django app; it registers the process managers."""

from django.apps import AppConfig


class ProcessManagersConfig(AppConfig):
    """Process managers."""

    name = "processmanagers"
    verbose_name = "Process managers"

    def ready(self) -> None:
        """Register every process manager by its name."""
        from eventstore.consumers.registry import register  # noqa: PLC0415 - models cannot be imported before apps are ready
        from processmanagers.late_fees import LateFees  # noqa: PLC0415

        register(LateFees())
