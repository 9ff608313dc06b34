"""Webhooks in Books."""
