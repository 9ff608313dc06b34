"""Pages of the log that several consumers of one process read once.

# Note [Pages are shared]
Consumers that catch up together read the same events one after the other. The last few pages are kept, so the first
one of them reads a page and the others find it. Only whole pages far behind the head are kept, which never change, and
only as long as the connection on which they were read: after a crash of the server a position may hold another event.
Pages end at multiples of the batch size, so that consumers which began at different positions meet at the next page.
Two reads in a row that reach the head, with no full page between them, show that no consumer is behind. Then nothing is
kept.
"""

from collections.abc import Iterable
from typing import Any, Final

from django.db import connections

from eventstore import store
from eventstore.records import RecordedEvent

_KEPT: Final = 4


class EventOfPage(RecordedEvent):
    """An event that keeps its decoded payload, so that several consumers decode it once."""

    decoded: dict[str, Any] | None = None


def of_page(events: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    """Return events that can keep what is decoded of them."""
    return [tuple.__new__(EventOfPage, event) for event in events]


class Pages:
    """Reads pages for one consumer, or for the consumers of a process that share them."""

    def __init__(self, *, are_shared: bool) -> None:
        self.are_shared = are_shared
        self._pages: dict[tuple[int, int], list[RecordedEvent]] = {}
        self._connection: Any = None
        self._is_behind = False

    def size_after(self, position: int, batch_size: int) -> int:
        """Return how many events the page that follows a position has."""
        return batch_size - position % batch_size if self.are_shared else batch_size

    def read(self, from_position: int, limit: int) -> list[RecordedEvent]:
        """Return at most `limit` events from a position on, in a list of the caller's own."""
        if not self.are_shared:
            return of_page(store.read_batch(from_position=from_position, limit=limit))
        connections["default"].ensure_connection()
        if self._connection is not connections["default"].connection:
            self._connection = connections["default"].connection
            self._pages.clear()
        page = self._pages.get((from_position, limit))
        if page is None:
            page = of_page(store.read_batch(from_position=from_position, limit=limit))
            if len(page) < limit:
                self._after_head()
                return page
            self._keep((from_position, limit), page)
        self._is_behind = True
        return list(page)

    def _after_head(self) -> None:
        """Let go of the pages at the second read in a row that came to the head."""
        if not self._is_behind:
            self._pages.clear()
        self._is_behind = False

    def _keep(self, key: tuple[int, int], page: list[RecordedEvent]) -> None:
        if len(self._pages) >= _KEPT:
            del self._pages[next(iter(self._pages))]
        self._pages[key] = page
