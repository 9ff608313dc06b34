"""The import of receivables, as far as it needs no database."""
