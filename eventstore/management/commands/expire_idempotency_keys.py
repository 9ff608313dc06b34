"""Deletes idempotency keys that are older than any retry; run it once a day."""

from datetime import timedelta
from typing import Any

from django.conf import settings

from eventstore.clock import utc_now
from eventstore.log import idempotency as keys
from eventstore.management.base import ConsoleCommand


class Command(ConsoleCommand):
    """Deletes only keys that are older than IDEMPOTENCY_KEY_LIFETIME; the events recorded under them stay."""

    help = "Deletes the idempotency keys that are older than IDEMPOTENCY_KEY_LIFETIME; their events stay."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete the keys, batch by batch."""
        days = settings.IDEMPOTENCY_KEY_LIFETIME_DAYS
        expired = sum(keys.expire(utc_now() - timedelta(days=days)))
        self.stdout.write(f"{expired} idempotency keys older than {days} days have expired")
