"""A worker loads the code of all views before its first request."""

import gc

from web.server import loading


def test_the_collector_visits_nothing_that_was_loaded() -> None:
    loaded: list[object] = [[]]
    try:
        loading.load()
        assert all(each is not loaded for each in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.freeze()  # as the suite begins
