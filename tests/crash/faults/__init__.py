"""Faults between the ledger and its database, while clients work."""
