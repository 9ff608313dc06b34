"""Bare views beside the real ones, on the same server: what HTTP, a token and one row cost without a ledger."""
