"""Daybook in use on a cluster: eight writers over HTTP, business dates that begin, and what is true in the end."""

import http.client
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection

from benchmarks.soak.__main__ import check, prepare, token_of
from benchmarks.soak.load import FIRST_DATE, Client, Portfolio
from eventstore.errors import EventStoreError
from ledger.daily_cycle import cycle
from tests.support.cluster.failover import FailoverCluster
from tests.support.cluster.installation import PORT, Installation
from tests.support.patience import PATIENCE_S, wait_until

WRITERS = 8
PAUSE_S = 0.3
DATE_EVERY_S = 10
ANSWER_S = 15
"""How long a client waits for an answer before it asks again."""


class Writer(Client):
    """A client that notes when each command was acknowledged, which it repeats under its key until then."""

    def __init__(self, number: int, token: str, portfolio: Portfolio, stop: threading.Event, door: str) -> None:
        super().__init__(number, token, portfolio, stop, PAUSE_S)
        self._connection = http.client.HTTPConnection(door, PORT, timeout=ANSWER_S)
        self.acknowledged_at: list[float] = []

    def run(self) -> None:
        """Ask until stopped, then hang up."""
        super().run()
        self._connection.close()

    def _note(self, method: str, status: int, text: bytes, key: str) -> None:
        known = len(self.noted.acknowledged)
        super()._note(method, status, text, key)
        if len(self.noted.acknowledged) > known:
            self.acknowledged_at.append(time.monotonic())


class Service:
    """The installation, and everything that its clients have seen."""

    def __init__(self, cluster: FailoverCluster) -> None:
        self.cluster = cluster
        self.installation = Installation(cluster, first_date=f"{FIRST_DATE - timedelta(days=1)}")
        self.installation.migrate()
        self.portfolio = prepare()
        cycle(FIRST_DATE)  # clients ask for the state as of this date
        self.installation.start()
        self._token = token_of(self.installation.environment)
        self._writers: list[Writer] = []
        self._working: list[Writer] = []
        self._date = FIRST_DATE + timedelta(days=1)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let writers write and dates begin within the block; what is under way at its end is asked until answered."""
        stop, first = threading.Event(), len(self._writers)
        numbers = range(first, first + WRITERS)
        self._working = [Writer(each, self._token, self.portfolio, stop, self.cluster.door) for each in numbers]
        self._writers += self._working
        threads = [*self._working, threading.Thread(target=self._begin_dates, args=[stop], daemon=True)]
        for thread in threads:
            thread.start()
        try:
            self.wait_until_all_write()
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=PATIENCE_S)

    def acknowledged(self) -> dict[str, int]:
        """Return the position of each command that was acknowledged, by its key."""
        return {key: at for writer in self._writers for key, at in list(writer.noted.acknowledged.items())}

    def newly_acknowledged(self) -> int:
        """Return how many commands were acknowledged to those who wrote last."""
        return sum(len(writer.noted.acknowledged) for writer in self._working)

    def wait_until_all_write(self) -> None:
        """Return as soon as each writer has been acknowledged something that it asked for from now on."""
        before = [len(writer.acknowledged_at) for writer in self._working]
        # The first of them may have been asked before.
        wait_until(
            lambda: all(
                len(writer.acknowledged_at) > number + 1 for writer, number in zip(self._working, before, strict=True)
            )
        )

    def without_service_s(self, since: float) -> float:
        """Return the longest time in which nobody was acknowledged anything, since a moment."""
        moments = sorted(at for writer in self._working for at in writer.acknowledged_at if at >= since)
        return max(later - earlier for earlier, later in zip([since, *moments], moments, strict=False))

    def check(self) -> dict[str, object]:
        """Raise if anything acknowledged is lost or doubled, if the log has a hole, or if a process has ended."""
        assert self.installation.ended() == []
        faults = [fault for writer in self._writers for fault in writer.noted.faults]
        assert not faults, faults[:5]
        found: dict[str, object] = check(self._writers, self.installation.environment)
        return found

    def _begin_dates(self, stop: threading.Event) -> None:
        while not stop.wait(DATE_EVERY_S):
            try:
                cycle(self._date)
                self._date += timedelta(days=1)
            except (DatabaseError, InterfaceError, EventStoreError):
                connection.close()
        connection.close()


def in_words(seconds: list[float]) -> str:
    """Return the least, the median and the greatest of some times."""
    least, median, greatest = min(seconds), statistics.median(seconds), max(seconds)
    return f"{least:.1f} to {greatest:.1f} s without service, median {median:.1f} s"
