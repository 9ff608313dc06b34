"""Deletes idempotency keys that are older than any retry; for cron, once a day."""

from datetime import timedelta
from typing import Any

from django.conf import settings

from eventstore.clock import utc_now
from eventstore.log import idempotency as keys
from eventstore.management.base import ConsoleCommand


class Command(ConsoleCommand):
    """Never deletes a key younger than IDEMPOTENCY_KEY_LIFETIME; what was recorded under it stays."""

    help = "Deletes the idempotency keys that are older than IDEMPOTENCY_KEY_LIFETIME; their events stay."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete them, some at a time."""
        days = settings.IDEMPOTENCY_KEY_LIFETIME_DAYS
        expired = sum(keys.expire(utc_now() - timedelta(days=days)))
        self.stdout.write(f"{expired} idempotency keys older than {days} days have expired")
