"""The read models on real databases."""
