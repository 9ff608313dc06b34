"""The file of an import: its format, its rows, and their faults; nothing here knows the ledger."""
