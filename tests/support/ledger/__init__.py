"""Ledgers with something in them: written, drawn by chance, or read from files."""
