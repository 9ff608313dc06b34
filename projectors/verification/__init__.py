"""Folds the streams independently of the projectors and compares what comes of it with the read models."""
