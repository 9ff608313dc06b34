"""How fast balances catch up, against the runner of pyeventsourcing."""
