"""Machine clients and their tokens."""
