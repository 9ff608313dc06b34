"""Fixtures for all tests with a database."""

import pytest

from web.slots import slots


@pytest.fixture(autouse=True)
def _all_slots_are_free() -> None:
    """Forget the streamed answers that an earlier test did not read to the end."""
    slots._taken.clear()
