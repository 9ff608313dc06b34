"""Pages of Books on a log of ten million events."""
