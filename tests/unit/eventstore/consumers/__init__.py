"""Tests of consumers that need no database."""
