"""Reads and writes many rows of a read model in one statement, on PostgreSQL and on SQLite."""
