"""The rules of receivables finance, and the commands that put them to work."""
