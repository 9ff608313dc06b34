"""Tests of management commands that need no database."""
