"""Relays, without a database."""
