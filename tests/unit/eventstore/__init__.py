"""The event store's parts that need no database."""
