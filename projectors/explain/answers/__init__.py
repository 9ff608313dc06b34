"""Explanations as the page, the API and the command show them."""
