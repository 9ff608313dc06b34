"""Installations on two servers of PostgreSQL, one of which is killed or lags."""
