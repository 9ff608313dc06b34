"""The log and its consumers in Django's admin, read-only."""
