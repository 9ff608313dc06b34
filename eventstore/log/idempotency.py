"""The end of an idempotency key: once it is old enough, nobody repeats what it was for."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from eventstore.models import RecordedKey

BATCH_SIZE: Final = 500
"""Keys deleted in one transaction: writers wait for no longer than that takes, some milliseconds."""


def expire(before: datetime, *, batch_size: int = BATCH_SIZE, using: str = "default") -> Iterator[int]:
    """Delete the keys recorded before a moment, oldest first; yield after each transaction how many it deleted.

    Between two transactions it leaves the database to the others for as long as the last one took.
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
