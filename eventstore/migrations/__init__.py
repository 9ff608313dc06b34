"""Migrations, with their SQL beside them."""
