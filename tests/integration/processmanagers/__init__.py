"""The process managers and the import of receivables on real databases."""
