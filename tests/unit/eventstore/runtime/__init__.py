"""The runtime of consumers, as far as it needs no database."""
