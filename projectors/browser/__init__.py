"""How the admin shows read models."""
