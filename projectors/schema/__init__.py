"""The tables of the read models."""
