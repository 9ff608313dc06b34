"""Seals: a Merkle tree over the events of a day, whose root is chained to the day's before and signed."""
