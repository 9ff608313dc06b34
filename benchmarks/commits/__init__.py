"""Compares two commits in one run."""
