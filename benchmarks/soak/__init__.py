"""A soak: hours of mixed load over HTTP, with random kills of random processes; at the end everything is verified."""
