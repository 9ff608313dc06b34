"""Following the log by an iterator, on SQLite and on PostgreSQL."""

import sys
from itertools import islice
from queue import Queue
from threading import Thread

import pytest
from django.db import connections

from eventstore import store
from eventstore.runtime import head_watcher
from eventstore.runtime.head_watcher import HeadWatcher
from eventstore.runtime.subscription import Subscription
from tests.contracts.events import append, parcel, positions, registered, weighed
from tests.support import processes
from tests.support.databases import Database
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.usefixtures("database")


def follow(subscription: Subscription) -> "tuple[Thread, Queue[int]]":
    """Iterate in a thread of its own; return it and the positions that it gets."""
    got: Queue[int] = Queue()

    def iterate() -> None:
        try:
            for event in subscription:
                got.put(event.position)
        finally:
            connections.close_all()

    thread = Thread(target=iterate)
    thread.start()
    return thread, got


def test_it_yields_what_is_there_and_then_each_event_as_it_is_appended() -> None:
    append(registered(parcel()), registered(parcel()))
    with store.subscribe(after=1) as subscription:
        thread, got = follow(subscription)
        assert got.get(timeout=PATIENCE_S) == 2
        for position in (3, 4, 5):
            append(registered(parcel()))
            assert got.get(timeout=PATIENCE_S) == position
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_it_yields_the_types_that_are_asked_for() -> None:
    stream = parcel()
    append(registered(stream), weighed(stream), weighed(stream))
    with store.subscribe(types=["ParcelWeighed"]) as subscription:
        thread, got = follow(subscription)
        assert [got.get(timeout=PATIENCE_S) for _ in range(2)] == [2, 3]
        append(registered(parcel()))
        append(weighed(stream))
        assert got.get(timeout=PATIENCE_S) == 5
    thread.join(PATIENCE_S)


def test_no_types_find_nothing() -> None:
    append(registered(parcel()))
    assert list(store.subscribe(types=[])) == []


def test_it_continues_over_many_batches() -> None:
    stream = parcel()
    append(*(registered(stream) for _ in range(1201)))
    with store.subscribe() as subscription:
        assert positions(list(islice(subscription, 1201))) == list(range(1, 1202))


def test_threads_that_share_it_get_each_event_once() -> None:
    with store.subscribe() as subscription:
        followers = [follow(subscription) for _ in range(3)]
        for _ in range(30):
            append(registered(parcel()))
        wait_until(lambda: sum(queue.qsize() for _, queue in followers) >= 30)
    for thread, _ in followers:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert sorted(queue.get() for _, queue in followers for _ in range(queue.qsize())) == list(range(1, 31))


def test_closed_it_ends_also_for_a_thread_that_sleeps_in_it() -> None:
    subscription = store.subscribe()
    thread, got = follow(subscription)
    append(registered(parcel()))
    assert got.get(timeout=PATIENCE_S) == 1
    subscription.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert list(subscription) == []


ENDING = """
import atexit, threading
import django
django.setup()
from eventstore.runtime.head_watcher import head_watcher

def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "head watcher"]

atexit.register(lambda: print("at the end:", len(watchers())))
head_watcher.wait_beyond(10**9, 0.05)
print("before:", len(watchers()))
"""


def test_the_watchers_thread_ends_before_the_interpreter(database: Database) -> None:
    environment = {**database.env, "DJANGO_SETTINGS_MODULE": "settings"}
    finished = processes.run([sys.executable, "-c", ENDING], environment, check=True)
    assert (finished.stdout, finished.stderr) == ("before: 1\nat the end: 0\n", "")


def test_a_watcher_whose_thread_could_not_start_is_started_by_the_next_sleeper(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread(Thread):
        def start(self) -> None:
            message = "can't start new thread"
            raise RuntimeError(message)

    watcher = HeadWatcher()
    monkeypatch.setattr(head_watcher, "Thread", NoThread)
    with pytest.raises(RuntimeError):
        watcher.wait_beyond(0, 0)
    monkeypatch.undo()
    append(registered(parcel()))
    assert watcher.wait_beyond(0, PATIENCE_S)
