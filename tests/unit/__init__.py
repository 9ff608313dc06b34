"""What needs neither a database nor Django's apps: the rules, event by event."""
