"""Consumers that hand events on to other systems."""
