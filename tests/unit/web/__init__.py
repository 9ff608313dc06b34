"""The edge without a database."""
