"""How events are written and read."""
