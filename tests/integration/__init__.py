"""Parts working together on a real database."""
