"""Tests of projectors that need no database."""
