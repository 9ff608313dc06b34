"""Servers and processes killed with -9."""
