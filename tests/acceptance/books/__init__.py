"""Tests of Books in a real browser, over two years of replayed invoices."""
