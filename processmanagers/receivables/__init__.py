"""The import of a file of invoices, one business date at a time."""
