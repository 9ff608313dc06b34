"""Consumers made for the tests, and processes that run them."""
