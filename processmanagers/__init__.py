"""Consumers that answer events with new events."""
