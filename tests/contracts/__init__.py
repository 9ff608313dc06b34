"""What the event store promises, on either database."""
