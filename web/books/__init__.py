"""Books: the ledger as auditors and accountants read it, in pages that record no event."""
