"""Daybook's tests: what needs no database, and what runs on both of them."""
