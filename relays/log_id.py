"""What identifies a log to other systems, wherever it is: the same after a move, another for another ledger."""

import hashlib

from eventstore import store
from eventstore.payloads.canonical import canonical_event


def log_id() -> str:
    """Return the beginning of the SHA-256 of the first event, or an empty text if there is none."""
    first = store.read_event(1)
    return "" if first is None else hashlib.sha256(canonical_event(first).encode()).hexdigest()[:16]
