"""Runs the tests on SQLite; loaded before Django, which reads DATABASE_URL once."""

from tests.plugins import environment

environment.prepare("sqlite", "sqlite:///nothing-but-the-database-fixture-opens-one.sqlite3")
