"""The tests' own databases."""
