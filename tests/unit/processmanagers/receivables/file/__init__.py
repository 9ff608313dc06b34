"""Tests of the file of an import."""
