"""The rules of the ledger: pure functions, without Django and without the event store."""
