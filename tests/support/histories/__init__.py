"""Histories of many clients: what each asked and was answered, and when, checked against a sequential model."""
