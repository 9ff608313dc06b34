"""A database that fails is explained in one line, with the remedy if it is known."""

import pytest
from django.db import Error, OperationalError, ProgrammingError

import manage


@pytest.mark.parametrize(
    ("failed", "explained"),
    [
        (
            OperationalError('refused:\nFATAL:  database "books" does not exist'),
            'the database failed: refused: FATAL: database "books" does not exist: make it, with createdb books',
        ),
        (
            OperationalError('connection failed: FATAL:  role "anna" does not exist'),
            'the database failed (connection failed: FATAL: role "anna" does not exist); --traceback shows where',
        ),
        (
            ProgrammingError('relation "auth_user" does not exist'),
            'the database is not migrated (relation "auth_user" does not exist): run manage.py migrate',
        ),
        (
            OperationalError("no such table: auth_user"),
            "the database is not migrated (no such table: auth_user): run manage.py migrate",
        ),
    ],
)
def test_what_does_not_exist_decides_the_remedy(failed: Error, explained: str) -> None:
    assert manage._explained(failed).removesuffix(", or name another database") == explained
