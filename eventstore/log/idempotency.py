"""Deletes idempotency keys that are older than any retry."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from eventstore.models import RecordedKey

BATCH_SIZE: Final = 500
"""How many keys one transaction deletes; writers wait for it, some milliseconds."""


def expire(before: datetime, *, batch_size: int = BATCH_SIZE, using: str = "default") -> Iterator[int]:
    """Delete the keys recorded before a moment, oldest first; yield after each transaction how many it deleted.

    It pauses between two transactions for as long as the last one took, so that others can write.
    """
    keys = RecordedKey.objects.using(using)
    while True:
        began = time.monotonic()
        oldest = keys.filter(recorded_at__lt=before).order_by("recorded_at").values_list("pk", flat=True)
        batch = list(oldest[:batch_size])
        if not batch:
            return
        deleted, _ = keys.filter(pk__in=batch).delete()
        taken = time.monotonic() - began
        yield deleted
        time.sleep(taken)
