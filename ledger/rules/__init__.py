"""The rules of the ledger: pure functions of values, without Django and without the event store."""
