"""Followers: consumers on other machines, each with its checkpoint in its own database."""
