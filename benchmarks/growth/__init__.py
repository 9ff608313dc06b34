"""What grows with the log: the same work at ten thousand, a million and ten million events."""
