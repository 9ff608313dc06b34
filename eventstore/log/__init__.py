"""The log itself: how an append becomes SQL on each database, and how it is read."""
