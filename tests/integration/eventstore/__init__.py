"""The event store on real databases, beside its contract."""
