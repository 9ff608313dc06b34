"""Serving the web."""
