"""Folds the streams without the projectors and compares the results with the read models."""
