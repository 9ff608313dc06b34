"""A worker loads the code of all views before its first request."""

import gc

from eventstore.runtime.collector import leave_out_what_is_loaded
from web.server import loading


def test_the_collector_visits_nothing_that_was_loaded() -> None:
    loaded: list[object] = [[]]
    leave_out_what_is_loaded.cache_clear()
    try:
        loading.load()
        assert all(each is not loaded for each in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.freeze()  # as the suite begins
