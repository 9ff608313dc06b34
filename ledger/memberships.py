"""Looks up which company is a member: a fold of the events of all deals, cached in the process, never stale."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock, Thread
from typing import Final
from uuid import UUID

from django.db import connections

from eventstore import store
from eventstore.errors import UnknownEventType, UnreadableEvent
from eventstore.folding import Loaded
from eventstore.log.cache import must_fold_alone
from eventstore.log.payload_index import PayloadIndex
from eventstore.records import RecordedEvent
from ledger.rules.aggregates import membership
from ledger.rules.aggregates.deal import MEMBERSHIP
from ledger.rules.aggregates.membership import Membership, Memberships

_logger = logging.getLogger(__name__)

_TERMS: Final = ("DealCreated", "DealUpdated")
_ENDS_OR_ACTIVATES: Final = ("DealActivated", "DealDeleted")
_BATCH: Final = 100
"""So few events are decoded at once: Python's garbage collector walks those of a whole page again and again."""
_PAGE: Final = 1000
"""A lookup folds so many new events itself; what is beyond them is folded in the background."""

DEALS_OF_COMPANY: Final = PayloadIndex(
    "ledger_membership_deals", _TERMS, ("companies", 0, "company_uuid"), ("product_line_id",), str(MEMBERSHIP)
)
"""Finds every membership deal that has ever named a company."""


@dataclass(slots=True)
class _Shared:
    """Memberships that one thread folds in place while others look companies up."""

    memberships: Memberships = field(default_factory=Memberships)
    lock: Lock = field(default_factory=Lock)

    def evolve(self, events: Sequence[RecordedEvent]) -> None:
        """Fold events; nothing is changed if one of them cannot be read."""
        read = [(event.stream_id.partition("-")[2], event.data) for event in events]
        # The lock keeps a reader from meeting a company between two memberships.
        with self.lock:
            for deal, data in read:
                membership.evolve(self.memberships, deal, data)

    def of(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one."""
        with self.lock:
            return self.memberships.of(company_uuid)


class MembershipCache:
    """The memberships of one database; safe in any number of threads.

    # Note [An index answers until the memberships are folded]
    To fold all deals takes seconds after the start of a process, so it happens in a thread of its own. Until it is
    done, and whenever the fold cannot be used or another thread is at it, a lookup reads the few deals that have ever
    named its company, which an index of the log finds. Both answers are those of the log, so none is ever stale.
    """

    def __init__(self, using: str = "default") -> None:
        self._using = using
        self._kept = Loaded(_Shared())
        self._folding = Lock()
        self._is_forgotten = False
        self._unreadable_after: int | None = None

    def lookup(self, company_uuid: UUID) -> Membership:
        """Return the company's membership, or the empty one, after reading the deal events that are new."""
        kept = self._current()
        if kept is None:
            return self.lookup_at(company_uuid, store.head(self._using).position)
        return kept.state.of(company_uuid)

    def lookup_at(self, company_uuid: UUID, position: int) -> Membership:
        """Return the company's membership as of a position, or the empty one.

        Only the deals that have ever named the company are read, and of each only its last terms. The last terms that
        name the company decide: earlier ones are replaced, and a deal that went on to another company ended its own.
        """
        streams = DEALS_OF_COMPANY.streams(str(company_uuid), position, self._using)
        terms = store.latest(streams, _TERMS, position, self._using)
        moved_at = 0
        for event in sorted(terms.values(), key=lambda event: event.position, reverse=True):
            if event.position < moved_at:
                break
            if membership.member_of(event.data) == company_uuid:
                return self._since(event, position)
            moved_at = max(moved_at, self._last_naming(company_uuid, event))
        return membership.EMPTY

    def hydrate(self) -> None:
        """Fold all deal events that are not folded yet; nothing within a transaction, whose events may be undone."""
        if not must_fold_alone(self._using):
            with self._folding:
                self._fold_all()

    def forget(self) -> None:
        """Let the thread that folds end soon; nobody looks up here any more."""
        self._is_forgotten = True

    def _since(self, terms: RecordedEvent, position: int) -> Membership:
        """Return the membership that begins with these terms of a deal, as of a position."""
        held = Membership(terms.data.rating_tier, terms.uuid)
        newest = store.latest([terms.stream_id], _ENDS_OR_ACTIVATES, position, self._using).get(terms.stream_id)
        if newest is None or newest.position < terms.position:
            return held
        return replace(held, activated=True) if newest.type == "DealActivated" else membership.EMPTY

    def _last_naming(self, company_uuid: UUID, terms: RecordedEvent) -> int:
        """Return the position of the last terms before these that name the company; 0 if none do."""
        earlier = store.read_stream(
            terms.stream_id, up_to=terms.position - 1, backwards=True, batch_size=_BATCH, using=self._using
        )
        naming = (event.position for event in earlier if membership.member_of(event.data) == company_uuid)
        return next(naming, 0)

    def _current(self) -> Loaded[_Shared] | None:
        """Return the memberships with every deal event; None if they cannot be had soon."""
        # See Note [An index answers until the memberships are folded]
        kept = self._kept
        if self._folding.locked() or kept.position == self._unreadable_after:
            return None
        if self._is_current(kept):
            return kept
        if must_fold_alone(self._using) or not self._folding.acquire(blocking=False):
            return None
        is_handed_on = False
        try:
            if self._fold_page():
                return self._kept
        except (UnknownEventType, UnreadableEvent):
            # To a lookup only the deals of its company matter, which the index finds.
            self._unreadable_after = self._kept.position
            _logger.exception("a deal cannot be read, so the memberships are not folded; an index answers")
            return None
        else:
            start_thread(self._fold_all_and_release)
            is_handed_on = True
            return None
        finally:
            if not is_handed_on:
                self._folding.release()

    def _is_current(self, known: Loaded[_Shared]) -> bool:
        """Say whether the last deal event known is there, and is the newest."""
        events = self._read_from(known, limit=2)
        newest = next(events, None)
        if newest is None:
            return not known.position
        return known.ends_with(newest) and next(events, None) is None

    def _fold_page(self) -> bool:
        """Fold some of what is new, and say whether that was all of it; the caller holds the lock of folding."""
        kept = self._kept
        page = list(self._read_from(kept, _PAGE))
        if kept.position and not (page and kept.ends_with(page[0])):
            # See Note [A reader remembers its last event]
            self._kept = kept = Loaded(_Shared())
            page = list(self._read_from(kept, _PAGE))
        for first in range(1 if kept.position else 0, len(page), _BATCH):
            self._fold(page[first : first + _BATCH])
        return len(page) < _PAGE

    def _fold(self, events: Sequence[RecordedEvent]) -> None:
        state, last = self._kept.state, events[-1]
        state.evolve(events)
        self._kept = Loaded(state, last.version, last.position, last.recorded_at)

    def _fold_all(self) -> None:
        while not self._fold_page() and not self._is_forgotten:
            pass

    def _fold_all_and_release(self) -> None:
        """Fold what is new in a thread of its own, which has taken over the lock of folding."""
        try:
            self._fold_all()
        except Exception:
            # What is folded stays, and the next lookup goes on from there.
            _logger.exception("the memberships are not folded to their end; an index answers")
        finally:
            try:
                connections[self._using].close()
            finally:
                self._folding.release()

    def _read_from(self, known: Loaded[_Shared], limit: int) -> Iterator[RecordedEvent]:
        return store.read_all(after=max(known.position - 1, 0), category="deal", limit=limit, using=self._using)


def start_thread(work: Callable[[], None]) -> None:
    """Do work in a thread that does not keep the process from ending."""
    Thread(target=work, name="memberships", daemon=True).start()


_caches: dict[str, MembershipCache] = {}


def lookup(company_uuid: UUID, position: int | None = None, using: str = "default") -> Membership:
    """Return a company's membership, or the empty one: now, or as of a position that `as_of.resolve` has returned."""
    known = _cache(using)
    return known.lookup(company_uuid) if position is None else known.lookup_at(company_uuid, position)


def hydrate(using: str = "default") -> None:
    """Fold all deals now, which lookups otherwise leave to a thread in the background."""
    _cache(using).hydrate()


def _cache(using: str) -> MembershipCache:
    return _caches.get(using) or _caches.setdefault(using, MembershipCache(using))


def reset() -> None:
    """Forget every membership, for example after the database was replaced."""
    while _caches:
        _caches.popitem()[1].forget()
