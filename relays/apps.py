"""The Django app; it registers the relays."""

from django.apps import AppConfig
from django.conf import settings


class RelaysConfig(AppConfig):
    """Relays."""

    name = "relays"
    verbose_name = "Relays"

    def ready(self) -> None:
        """Register every relay by its name."""
        from eventstore.consumers.registry import leave_out, register  # noqa: PLC0415 - models cannot be imported before apps are ready

        if settings.WEBHOOKS:
            from relays.webhooks.relay import Webhooks  # noqa: PLC0415

            register(Webhooks())
        else:
            leave_out("webhooks", "WEBHOOKS is not set (docs/how-to/send-webhooks.md)")
        if settings.JETSTREAM_URL:
            from relays.jetstream.relay import JetStream, configured  # noqa: PLC0415 - only who uses it loads its client

            register(JetStream(configured(settings.JETSTREAM_STREAM)))
        else:
            leave_out("jetstream", "JETSTREAM_URL is not set (docs/how-to/follow-with-jetstream.md)")
