"""Tests of process managers that need no database."""
