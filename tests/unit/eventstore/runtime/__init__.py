"""Tests of the runtime of consumers that need no database."""
