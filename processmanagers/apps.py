"""The Django app; it registers the process managers."""

from django.apps import AppConfig
from django.conf import settings


class ProcessManagersConfig(AppConfig):
    """Process managers."""

    name = "processmanagers"
    verbose_name = "Process managers"

    def ready(self) -> None:
        """Register every process manager by its name."""
        from eventstore.consumers.registry import leave_out, register  # noqa: PLC0415 - models cannot be imported before apps are ready
        from eventstore.seals.seal import register_source  # noqa: PLC0415
        from processmanagers.late_fees import LateFees  # noqa: PLC0415
        from processmanagers.seals import Seals, recorded_seals  # noqa: PLC0415

        register(LateFees())
        register_source(recorded_seals)
        if settings.SEAL_KEY:
            register(Seals())
        else:
            leave_out(Seals.name, "SEAL_KEY is not set (docs/how-to/seal-days.md)")
