"""Consumers that keep read models, which can be thrown away and made again."""
