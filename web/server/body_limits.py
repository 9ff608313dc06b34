"""How large the body of a request may be: a batch has many commands, everything else one."""

from typing import Final

from django.conf import settings

BATCHES: Final = "/api/batches"
BATCH_MAX_BYTES: Final = 16 * 1024 * 1024


def limit_of(path: str) -> int:
    """Return the limit in bytes of a body sent to a path."""
    return BATCH_MAX_BYTES if path == BATCHES else int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
