"""Samples for auditors: which events, products and journal lines are looked at."""
