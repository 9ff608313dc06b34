"""The log: how an append becomes SQL on each database, and how events are read."""
