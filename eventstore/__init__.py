"""The log: an append-only, gapless, ordered record of events; it knows nothing of the ledger."""
