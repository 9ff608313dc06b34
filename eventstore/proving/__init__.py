"""Proves handlers: kills them after each statement, and compares the outcome with that of an undisturbed run."""
