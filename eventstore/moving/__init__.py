"""Moves a log to another database: an export is a file of lines, and an import checks each of them."""
