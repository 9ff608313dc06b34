"""Other systems that take events."""
