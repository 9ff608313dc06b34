"""Tests of seals without a database."""
