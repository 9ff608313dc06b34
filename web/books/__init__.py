"""Books: the ledger as auditors and accountants read it, and the forms with which people record by hand."""
